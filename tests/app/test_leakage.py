"""The sentinel in a workspace: verbs, trail, and what they exit with. Real engine processes, real recordings."""

import json
import shutil

import numpy as np
import pytest
from core_cases import SAMPLES, make_workspace

from app import cli
from app.core.schema import JobMember, Record, RecordLabel
from app.ui import run_facts
from app.workspace import Workspace
from engine.contract.config import S4Config
from engine.contract.errors import UsageError
from engine.signal.readers import read_recording


@pytest.fixture(scope="module")
def ward(tmp_path_factory):
    """Twelve recordings, and a copy of one of them: half as large, 4 s, at 250 Hz, of an unknown patient."""
    path = make_workspace(tmp_path_factory.mktemp("leakage") / "ward")
    folder = path.parent / "copies"
    folder.mkdir()
    original = read_recording(sorted(SAMPLES.glob("*.hea"))[0])
    steps = np.rint(original.signal_CT[:, 1000:3000:2].T * 500).astype("<i2")
    (folder / "copy.dat").write_bytes(steps.tobytes())
    lines = [f"copy.dat 16 1000/mV 16 0 0 0 0 {lead}" for lead in original.leads]
    (folder / "copy.hea").write_text("\n".join(["copy 12 250 1000", *lines, ""]))
    with Workspace.open(path) as workspace:
        workspace.wait(workspace.import_files([folder], dataset="elsewhere"), timeout_s=60)
        workspace.create_cohort("main", dataset="local", folds=3)
        workspace.create_cohort("all", folds=3)
    return path


@pytest.fixture
def said(ward, capsys):
    def say(*words):
        code = cli.main([*(str(word) for word in words), "-w", str(ward)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return say


@pytest.mark.slow
def test_a_clean_cohort_exits_with_0_and_says_so(said):
    code, out, _ = said("leakage", "main")
    assert code == 0
    assert "none found" in out
    assert "cannot be told, no recording carries statements" in out


@pytest.mark.slow
def test_a_copy_that_stands_on_two_sides_exits_with_5(said, ward):
    code, out, _ = said("leakage", "all", "--json")
    told = json.loads(out)
    (pair,) = told["leakage"]["pairs"]
    assert pair["score"] > 0.9
    assert not pair["exact"]
    apart = pair["part"] != pair["other_part"]
    assert (code, told["found"]) == ((5, True) if apart else (0, False))


def test_a_cohort_is_held_against_another_and_the_trail_tells_of_it(said, ward):
    code, out, _ = said("leakage", "main", "--against", "all")
    assert code == 5
    assert "LEAK  4 recordings of fold-0 are in all" in out
    assert "LEAK  4 patients of fold-0 are in all too (4 recordings)" in out
    with Workspace.open(ward) as workspace:
        assert [row.action for row in workspace.audit(3)] == ["run ended", "run started", "run queued"]
        assert workspace.audit(3)[0].detail["results_sha256"]
        job, results = workspace.last_leakage("main")
        assert (job, results.leaks) == (workspace.jobs()[0].job_id, True)
        assert workspace.last_leakage("all") is None or workspace.last_leakage("all")[1].records == 13
        facts = {fact.name: fact.value for fact in run_facts.facts(workspace.job_detail(job), [])}
        assert facts["Leaks"] == "yes"
        assert facts["Looked at"] == "12 recordings of 12 patients"
        row = workspace.jobs()[0]
        assert (row.kind, row.cohort, row.name) == ("leakage", "main", "main against all")


@pytest.mark.slow
def test_a_model_is_checked_by_what_it_was_pretrained_on(said, ward):
    with Workspace.open(ward) as workspace:
        workspace.add_random_model("random", S4Config(width=8, depth=1))
        members = workspace.cohort_members("main")
        with pytest.raises(UsageError, match="does not know which recordings"):
            workspace.leakage("main", ["random"])
        with workspace._home.db.write() as session:
            from app.core import models

            models.get(session, "random").job_id = "J0001"
            session.add(JobMember(job_id="J0001", record_id=members[0].record_id, patient="p", split="train"))
    code, out, _ = said("leakage", "main", "--against", "random")
    assert code == 5
    assert "is in random" in out


@pytest.mark.slow
def test_a_pack_goes_to_another_house_and_finds_what_both_have(said, ward, tmp_path):
    pack = tmp_path / "ward7.isofp"
    code, out, _ = said(
        "fingerprint", "export", "all", "--out", pack, "--corpus", "Ward 7", "--licence", "CC0", "--json"
    )
    assert code == 0
    assert json.loads(out)["head"]["records"] == 13
    with Workspace.open(ward) as workspace:
        event = workspace.audit(1)[0]
    assert event.action == "fingerprints exported"
    assert event.detail["corpus"] == "Ward 7"
    code, out, _ = said("leakage", "main", "--against", pack)
    assert code == 5
    assert "in Ward 7" in out
    assert cli.main(["fingerprint", "show", str(pack)]) == 0
    content = bytearray(pack.read_bytes())
    content[-200] ^= 1
    pack.write_bytes(content)
    assert cli.main(["fingerprint", "show", str(pack)]) == 1


def test_a_store_without_a_workspace_can_be_exported(ward, tmp_path, capsys):
    shutil.copytree(ward / "store", tmp_path / "store")
    out = tmp_path / "pack"
    assert cli.main(["fingerprint", "export", "--store", str(tmp_path / "store"), "--out", str(out)]) == 0
    assert "13 recordings" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["leakage", "nowhere"],
        ["leakage", "main", "--against", "nowhere"],
        ["leakage", "main", "--against", "main"],
        ["fingerprint", "export", "--out", "x"],
        ["fingerprint"],
    ],
)
def test_what_names_nothing_exits_with_2(said, words):
    if words == ["fingerprint"]:
        assert cli.main(words) == 2
    else:
        assert said(*words)[0] == 2


def test_a_file_that_is_no_pack_exits_with_1(said, tmp_path):
    (tmp_path / "x.isofp").write_bytes(b"something else entirely")
    code, _, err = said("leakage", "main", "--against", tmp_path / "x.isofp")
    assert code == 1
    assert "fingerprint pack: the file is none" in err


@pytest.mark.slow
def test_labels_that_are_the_carts_own_word_are_a_finding(ward, tmp_path, capsys):
    place = tmp_path / "ward"
    shutil.copytree(ward, place)
    with Workspace.open(place) as workspace:
        with workspace._home.db.write() as session:
            for record in session.query(Record):
                record.statements = [{"code": "NSR", "source": "device", "confirmed": False}]
            for label in session.query(RecordLabel).filter(RecordLabel.label == "NORM"):
                label.origin = "device"
        found = {one.label: one for one in workspace.label_circularity("main")}
    assert found["NORM"].verdict == "circular"
    assert "the cart's own statement" in found["NORM"].sentence
    assert found["NORM"].from_cart == found["NORM"].known
    assert cli.main(["leakage", "main", "-w", str(place)]) == 5
    assert "CIRCULAR" in capsys.readouterr().out


@pytest.mark.slow
def test_the_copy_is_at_the_place_where_it_was_cut(ward):
    with Workspace.open(ward) as workspace:
        job = workspace.leakage("all")
        workspace.wait(job, timeout_s=60)
        (pair,) = workspace.results(job).pairs
    assert np.isclose(abs(pair.shift_s), 2.0, atol=0.02)
