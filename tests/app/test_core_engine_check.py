"""What the window learns of the engine, out of the engine's own answer."""

import json
import subprocess

import pytest

from app.core import engine_check
from engine.contract.errors import WorldError

TOLD = {"means": ["Landlock"], "complete": False, "missing": ["names can be looked up"], "in_words": "Not fully"}


@pytest.fixture
def answered(monkeypatch):
    def answer(text):
        done = subprocess.CompletedProcess([], 0, stdout=text)
        monkeypatch.setattr(engine_check.subprocess, "run", lambda *_, **__: done)

    return answer


def test_what_isolates_a_vendor_is_read_as_the_engine_tells_it(answered):
    answered(json.dumps({"sandbox": TOLD, "devices": []}))
    state = engine_check.sandbox()
    assert (state.means, state.complete, state.missing) == (("Landlock",), False, ("names can be looked up",))
    assert state.in_words == "Not fully isolated: names can be looked up"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sandbox": 3}', '{"sandbox": {"means": []}}'])
def test_an_engine_that_does_not_tell_is_no_isolation(answered, text):
    answered(text)
    with pytest.raises(WorldError) as error:
        engine_check.sandbox()
    assert "isolates" in error.value.reason
