"""What a model's file says of itself, asked of an engine process: its answer, its refusal, its silence."""

import sys

import pytest

from app.core import file_outline
from app.core.file_outline import read_outline
from app.core.onnx_outline import Port
from engine.contract.errors import WorldError


@pytest.fixture
def engine(monkeypatch, tmp_path):
    """An engine that prints what the test says."""

    def says(text):
        script = tmp_path / "engine.py"
        script.write_text(f"print({text!r})", encoding="utf-8")
        monkeypatch.setattr(file_outline, "engine_command", lambda: [sys.executable, str(script)])

    return says


def test_ports_and_parameters_come_back(engine, tmp_path):
    engine('{"inputs": [{"name": "x", "axes": ["?", "12"]}], "outputs": [], "parameters": 65}')
    told = read_outline(tmp_path / "m.pt", "torchscript")
    assert told.inputs == (Port("x", ("?", "12")),)
    assert (told.outputs, told.parameters) == ((), 65)


def test_a_refusal_is_told_in_the_engines_words(engine, tmp_path):
    engine('{"thing": "model file", "reason": "it hangs", "next_step": "Ask its maker"}')
    with pytest.raises(WorldError, match="model file: it hangs"):
        read_outline(tmp_path / "m.pt", "torchscript")


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"inputs": [1]}'])
def test_an_engine_that_says_something_else_is_no_answer(engine, tmp_path, text):
    engine(text)
    with pytest.raises(WorldError, match="it does not say what the file holds"):
        read_outline(tmp_path / "m.pt", "pt2")
