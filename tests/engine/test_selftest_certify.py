"""The self-test: a wrong number, a missing one and a crash are each told, and the shipped values hold."""

import json

import pytest

from engine.contract.errors import WorldError
from engine.selftest import certify as certifying
from engine.selftest import references as reading
from engine.selftest.references import Case, Reference
from engine.selftest.subjects import SUBJECTS


def reference(subject, **expected):
    case = Case(name="one", inputs={"x": 2.0}, expected=expected, tolerance=1e-6)
    return Reference(subject=subject, software="by hand", version="1", command="none", cases=[case])


def crash(x):
    raise ZeroDivisionError("no such thing")


@pytest.fixture
def held(monkeypatch):
    """Certify against given references and subjects."""

    def hold(*files, **subjects):
        monkeypatch.setattr(certifying, "references", lambda: iter(files))
        monkeypatch.setattr(certifying, "SUBJECTS", subjects)
        return certifying.certify()

    return hold


def test_every_shipped_value_is_met_by_this_installation():
    told = certifying.certify()
    assert told.right, told.deviations
    assert told.numbers == sum(one.numbers for one in told.subjects) >= 3
    assert {one.subject for one in told.subjects} == set(SUBJECTS), (
        "each subject has its file and each file its subject"
    )


def test_every_shipped_file_has_the_script_that_made_it():
    sources = reading.resources.files("engine.selftest") / "sources"
    for file in reading._files():
        command = json.loads(file.read_text())["command"]
        assert any((sources / name).is_file() for name in command.replace("engine/selftest/sources/", "").split())


def test_a_number_that_is_off_is_told_with_both_values(held):
    told = held(reference("square", area=4.1), square=lambda x: {"area": x * x})
    assert not told.right
    off = told.deviations[0]
    assert (off.quantity, off.expected, off.found, told.subjects[0].wrong) == ("area", 4.1, 4.0, 1)


def test_a_number_within_its_tolerance_is_right_and_says_how_near(held):
    told = held(reference("square", area=4 + 2e-6), square=lambda x: {"area": x * x})
    assert told.right
    assert told.subjects[0].worst == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize(
    ("subject", "problem"),
    [
        (lambda x: {"area": float("nan")}, "undefined"),
        (lambda x: {}, "undefined"),
        (crash, "internal error (ZeroDivisionError"),
    ],
)
def test_an_undefined_number_a_missing_one_and_a_crash_are_wrong(held, subject, problem):
    told = held(
        reference("square", area=4.0), reference("other", area=4.0), square=subject, other=lambda x: {"area": 4}
    )
    assert [one.wrong for one in told.subjects] == [1, 0]
    assert told.deviations[0].problem.startswith(problem)
    assert told.deviations[0].found is None


def test_a_subject_that_this_program_lacks_is_wrong(held):
    assert "no such subject" in held(reference("cube", volume=8.0)).deviations[0].problem


@pytest.mark.parametrize("content", ["{", '{"subject": "x"}', None])
def test_a_damaged_or_missing_file_of_values_is_told(monkeypatch, tmp_path, content):
    (tmp_path / "references").mkdir()
    if content is not None:
        (tmp_path / "references" / "x.json").write_text(content)
    monkeypatch.setattr(reading.resources, "files", lambda package: tmp_path)
    with pytest.raises(WorldError, match="reference values"):
        list(reading.references())
