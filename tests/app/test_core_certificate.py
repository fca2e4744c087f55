"""The self-test's certificate as the app asks for it: read, put in words, written; an engine that fails is told."""

import json
import sys

import pytest

from app import cli
from app.core import certificate as asking
from engine.contract.errors import WorldError
from engine.contract.selftest import Certificate, SubjectVerdict


def made(wrong=0):
    verdict = SubjectVerdict(subject="drift", software="R 4.2", cases=3, numbers=1200, wrong=wrong, worst=0.5)
    return Certificate(
        right=not wrong,
        subjects=[verdict],
        numbers=1200,
        references_sha256="0" * 64,
        isoline="1",
        python="3.11",
        packages={},
        machine="Linux x86_64",
        made_at="2026-11-23T00:00:00Z",
        seconds=1.0,
    )


@pytest.fixture
def engine_says(monkeypatch):
    """An engine that prints a text, whatever it is asked."""

    def says(text):
        monkeypatch.setattr(asking, "engine_command", lambda: [sys.executable, "-c", f"print({text!r})"])

    return says


def test_the_engines_answer_is_read_even_when_numbers_are_wrong(engine_says):
    engine_says(made(wrong=2).model_dump_json())
    told = asking.certificate()
    assert not told.right
    assert asking.in_words(told) == "2 of 1,200 numbers are WRONG: drift (R 4.2)"
    assert asking.in_words(made()) == "1,200 numbers equal: drift (R 4.2)"


def test_an_engine_that_answers_nonsense_is_an_error_with_a_next_step(engine_says):
    engine_says("Segmentation fault")
    with pytest.raises(WorldError, match="could not be tested"):
        asking.certificate()


def test_the_certificate_is_written_and_a_wrong_number_fails_the_verb(engine_says, tmp_path, capsys):
    engine_says(made(wrong=1).model_dump_json())
    file = tmp_path / "certificate.json"
    assert cli.main(["selftest", "--certificate", str(file), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["right"] is False
    assert Certificate.model_validate_json(file.read_text()) == made(wrong=1)
