"""What stands on two sides is found and told: patients, equal samples, changed copies, recordings of a corpus."""

import numpy as np
import pytest

from engine.contract.config import LeakageConfig
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter, read_events
from engine.contract.run import ManifestRow, RunFolder, Stopped
from engine.data.copies import Query, find_copies
from engine.data.fingerprint import fingerprint
from engine.data.landmarks import LandmarkIndex
from engine.data.leakage import run, search
from engine.data.packs import open_pack, verify_pack, write_pack
from engine.data.prints import Prints
from engine.data.store import Store
from engine.signal.condition import resample
from engine.signal.readers import read_recording
from engine.signal.recording import Recording


@pytest.fixture(scope="module")
def originals(samples):
    return [read_recording(path) for path in sorted(samples.glob("*.hea"))[:12]]


@pytest.fixture(scope="module")
def copy(originals):
    """Of the first one: half as large, at 100 Hz, 3 s of it."""
    return Recording(resample(0.5 * originals[0].signal_CT[:, 2000:3500], 500, 100), 100.0)


@pytest.fixture(scope="module")
def place(tmp_path_factory, originals, copy):
    path = tmp_path_factory.mktemp("leakage") / "store"
    with Store.create(path) as store:
        for recording in (*originals, copy):
            store.append(recording)
    return path


def parts(originals, copy=None, copy_part="test", patients=None):
    """Six to train, six to test, every patient once; the copy where it is wished."""
    rows = [
        ManifestRow(one.record_id, (patients or {}).get(n, f"p{n}"), "train" if n < 6 else "test")
        for n, one in enumerate(originals)
    ]
    return rows + ([ManifestRow(copy.record_id, "p99", copy_part)] if copy else [])


def test_a_clean_split_has_no_leak(place, originals):
    found = search(Store.open(place), parts(originals))
    assert (found.leaks, found.findings, found.pairs, found.unchecked) == (False, [], [], 0)
    assert found.parts == {"train": 6, "test": 6}


def test_a_changed_copy_across_a_split_is_a_leak(place, originals, copy):
    found = search(Store.open(place), parts(originals, copy))
    assert found.leaks
    assert found.findings == ["1 recording of test has a changed copy in train"]
    (pair,) = found.pairs
    assert {pair.record, pair.other} == {originals[0].record_id, copy.record_id}
    assert pair.score > 0.9
    later = 4.0 if pair.record == originals[0].record_id else -4.0
    assert pair.shift_s == pytest.approx(later, abs=0.01)
    assert pair.same_patient is False
    assert "two different patients" in found.notes[0]


def test_the_shift_is_told_from_the_side_that_is_named_first(place, originals, copy):
    found = [search(Store.open(place), parts(originals, copy, part)).pairs[0] for part in ("test", "a", "z")]
    assert {(one.record, round(one.shift_s, 1)) for one in found} <= {
        (originals[0].record_id, 4.0),
        (copy.record_id, -4.0),
    }
    assert len({one.record for one in found}) == 2


def test_a_copy_within_one_part_is_told_but_no_leak(place, originals, copy):
    found = search(Store.open(place), parts(originals, copy, "train"))
    assert not found.leaks
    assert found.pairs_found == 1
    assert found.notes[0].startswith("1 recording")


def test_a_patient_on_both_sides_is_a_leak(place, originals):
    found = search(Store.open(place), parts(originals, patients={1: "p7", 2: "p7"}))
    assert found.findings == ["1 patient of test is in train too (1 recording)"]
    assert found.meetings[0].patients == 1


def test_a_recording_that_is_also_among_those_it_is_checked_against_is_found_as_equal(place, originals):
    against = [ManifestRow(originals[6].record_id, "p6", "against other")]
    found = search(Store.open(place), parts(originals) + against)
    assert found.leaks
    assert found.findings == [
        "1 patient of test is in other too (1 recording)",
        "1 recording of test is in other",
    ]
    assert found.records == 12


def test_what_a_cohort_is_checked_against_is_looked_at_once_and_not_searched_for_itself(place, originals, copy):
    """Against a million recordings a model has seen, a search costs one look at each, and one query a recording."""
    cohort = [ManifestRow(one.record_id, f"p{n}", "test") for n, one in enumerate(originals[:2])]
    against = [ManifestRow(one.record_id, f"q{n}", "against model") for n, one in enumerate([*originals[2:], copy])]
    told = []
    found = search(Store.open(place), cohort + against, on_progress=lambda *step: told.append(step))
    assert told[-1][:2] == (13 + 2, 13 + 2)
    assert found.findings == ["1 recording of test has a changed copy in model"]
    assert found.pairs[0].other == copy.record_id
    assert (found.records, found.patients) == (2, 2)


def test_prints_in_several_blocks_give_the_pairs_of_one(place, originals, copy, monkeypatch):
    cohort, told = parts(originals, copy), []
    whole = search(Store.open(place), cohort).model_copy(update={"seconds": 0.0})
    monkeypatch.setattr("engine.data.copies.BLOCK_ROWS", 5)
    found = search(Store.open(place), cohort, on_progress=lambda *step: told.append(step))
    assert found.model_copy(update={"seconds": 0.0}) == whole
    assert told[-1][0] == told[-1][1] == 13 * (1 + 3)


def test_a_patient_in_three_parts_is_counted_between_each_two(place, originals):
    rows = [
        ManifestRow(one.record_id, "same" if n in (0, 1, 5, 9) else f"p{n}", ("train", "validation", "test")[n // 4])
        for n, one in enumerate(originals)
    ]
    met = {
        (one.part, one.other): (one.patients, one.patient_records) for one in search(Store.open(place), rows).meetings
    }
    assert met == {("test", "train"): (1, 1), ("test", "validation"): (1, 1), ("train", "validation"): (1, 2)}


def test_of_more_pairs_than_are_kept_those_of_two_patients_come_first_and_the_rest_is_told(
    place, originals, copy, monkeypatch
):
    monkeypatch.setattr("engine.data.leakage.MOST_PAIRS", 1)
    twice = ManifestRow(originals[3].record_id, "p3", "train")
    found = search(Store.open(place), [*parts(originals, copy, "train"), twice])
    assert (found.leaks, found.pairs_found) == (False, 2)
    assert found.pairs[0].same_patient is False
    assert any(note.startswith("1 further pairs of copies are counted and not kept") for note in found.notes)


def test_overlap_with_a_corpus_is_found_by_its_pack_alone(place, originals, copy, tmp_path):
    taken = [("r" + "0" * 11 + "7", fingerprint(originals[3].signal_CT[:, 500:4500] * 3, 500))]
    taken.append((originals[8].record_id, fingerprint(originals[8].signal_CT, 500)))
    write_pack(tmp_path / "corpus.isofp", Prints.gather(taken), "Corpus", "CC BY 4.0")
    found = search(Store.open(place), parts(originals), [open_pack(tmp_path / "corpus.isofp")])
    assert found.findings == [
        "1 recording of test is in Corpus",
        "1 recording of train has a changed copy in Corpus",
    ]
    assert [(pair.record, pair.exact) for pair in found.pairs] == [
        (originals[8].record_id, True),
        (originals[3].record_id, False),
    ]
    assert found.packs[0].licence == "CC BY 4.0"


def test_a_run_tells_progress_stops_when_asked_and_gives_results(place, originals, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.data.leakage.REPORT_EVERY", 5)
    config = LeakageConfig(store=str(place), cohort="main")
    folder = RunFolder.create(tmp_path / "J0001", config, parts(originals))
    events = EventWriter(folder.events_path)
    assert run(folder, config, events).records == 12
    folder.ask_stop()
    with pytest.raises(Stopped):
        run(folder, config, events)
    events.close()
    told = read_events(folder.events_path)[0]
    assert told[-1].unit == "recordings"
    assert max(event.done for event in told) == told[0].total == 24


def test_a_recording_that_the_store_lacks_is_refused(place):
    with pytest.raises(WorldError, match="lacks"):
        search(Store.open(place), [ManifestRow("r" + "0" * 12, "p", "train")])


@pytest.fixture
def pack(originals, tmp_path):
    prints = Prints.gather((one.record_id, fingerprint(one.signal_CT, 500)) for one in originals)
    write_pack(tmp_path / "some", prints, "Some", "CC BY 4.0", "a note")
    return tmp_path / "some.isofp"


def test_a_pack_comes_back_as_it_was_written(pack, originals):
    opened = open_pack(pack)
    assert (opened.head.corpus, opened.head.note, opened.head.records) == ("Some", "a note", 12)
    own = fingerprint(originals[4].signal_CT, 500)
    assert np.array_equal(opened.prints.signs_of(4), own.signs_S)
    assert np.array_equal(opened.prints.codes_A[opened.prints.marks_of(4)], own.codes_A)
    assert verify_pack(opened)


def test_a_pack_of_which_one_byte_was_changed_does_not_verify(pack):
    content = bytearray(pack.read_bytes())
    content[-100] ^= 1
    pack.write_bytes(content)
    assert not verify_pack(open_pack(pack))


def test_a_pack_cut_anywhere_is_refused_with_a_reason(pack):
    content = pack.read_bytes()
    for length in [*range(0, 700, 7), *range(700, len(content), 997)]:
        pack.write_bytes(content[:length])
        with pytest.raises(WorldError, match="pack"):
            open_pack(pack)


@pytest.mark.parametrize("field", ["records", "signs", "landmarks", "method"])
def test_a_head_that_lies_is_refused(pack, field):
    content = pack.read_bytes()
    start = content.index(f'"{field}":'.encode()) + len(field) + 3
    pack.write_bytes(content[:start] + b"9" + content[start + 1 :])
    with pytest.raises(WorldError, match="pack"):
        open_pack(pack)


def test_whatever_bits_of_a_pack_are_turned_it_is_refused_or_searched_without_harm(pack, originals):
    content, draw = pack.read_bytes(), np.random.default_rng(0)
    query = Query(fingerprint(originals[3].signal_CT, 500))
    refused = 0
    for _ in range(150):
        changed = bytearray(content)
        for place in draw.integers(0, len(content) if draw.random() < 0.5 else 600, 4):
            changed[place] ^= 1 << draw.integers(0, 8)
        pack.write_bytes(changed)
        try:
            prints = open_pack(pack).prints
            find_copies(query, prints, LandmarkIndex(prints))
        except WorldError:
            refused += 1
    assert 40 < refused < 150


def test_a_pack_holds_no_sample_and_is_a_tiny_part_of_the_recordings(pack, originals):
    assert pack.stat().st_size < 0.01 * sum(one.signal_CT.nbytes for one in originals)


def test_an_empty_pack_can_be_written_and_searched(tmp_path, place, originals):
    write_pack(tmp_path / "none.isofp", Prints.gather([]), "None")
    assert not search(Store.open(place), parts(originals), [open_pack(tmp_path / "none.isofp")]).leaks
