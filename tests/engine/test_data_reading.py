"""What an import tells of real clinical files: device and statements, and nothing that names anybody."""

import json

import pytest

from engine.contract.config import ImportConfig
from engine.contract.deidentification import Deidentification
from engine.data.reading import Reading
from engine.signal.deidentify import leftovers
from engine.signal.identifiers import hashed, signs_of
from engine.signal.pseudonyms import pseudonym
from engine.signal.readers import find_files, read_recording

KEY = bytes(range(32))


def read(paths, **policy):
    reading = Reading(ImportConfig(store="", deidentify=Deidentification(**policy)), KEY)
    return {path: reading(n, str(path)) for n, path in enumerate(paths)}


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield str(name)
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


@pytest.fixture(scope="module")
def clinical(shared):
    """Files of every clinical format, as far as they can be read."""
    return find_files([shared / "data/format-samples"])


@pytest.fixture(scope="module")
def strict(clinical):
    """What is told of them by default."""
    return read(clinical)


@pytest.fixture(scope="module")
def raw(clinical, strict):
    """The readable ones as their readers hand them over."""
    return {path: read_recording(path) for path in clinical if strict[path].recording is not None}


@pytest.mark.parametrize("policy", [{}, {"dates": "shift", "keep_free_text": True}], ids=["strict", "wide"])
def test_no_event_of_a_clinical_file_holds_an_identifier_of_it(raw, strict, policy):
    outcomes, searched = read(raw, **policy) if policy else strict, 0
    for path, before in raw.items():
        outcome = outcomes[path]
        named = [(kind, text) for kind, text in before.identifiers if kind != "free text"]
        signs = set().union(*(signs_of(kind, text) for kind, text in named))
        told = {name: value for name, value in outcome.told.items() if name != "marks"}
        assert leftovers(strings(told), signs) == 0, path.name
        searched += bool(signs)
        assert told.get("patient") is None or told["patient"] == pseudonym(KEY, before.patient)
        assert outcome.recording.identifiers == ()
        assert outcome.recording.source_name == ""
    assert searched >= 3


def test_what_a_file_names_can_be_searched_for_later_by_keyed_hashes(raw, strict):
    found = 0
    for path, before in raw.items():
        marks = {int(text, 16) for texts in strict[path].told["marks"].values() for text in texts}
        for kind, text in before.identifiers:
            expected = {hashed(KEY, sign) & (2**64 - 1) for sign in signs_of(kind, text)}
            assert expected <= marks
            found += len(expected)
    assert found > 20


def test_device_statements_and_origin_are_told(strict):
    told = [outcome.told for outcome in strict.values() if outcome.recording is not None]
    assert sum("device" in one for one in told) >= 3
    assert any(one.get("statements") or one["removed"].get("free text") for one in told)
    assert all(one.get("reader") for one in told)
    assert all(len(one["file_sha256"]) == 64 for one in told)


def test_what_is_told_fits_one_event(strict):
    for outcome in strict.values():
        assert json.loads(json.dumps(outcome.told, allow_nan=False)) == outcome.told
