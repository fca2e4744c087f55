"""Asking for a trial of a model on one recording, and what it kept."""

import numpy as np
import pytest
from core_cases import quick_copy

from app.commands.trying_words import trial_words
from app.core import finish, jobs, launch
from app.ui.examination_facts import try_facts
from engine.contract.card import ModelCard, Output, Preprocessing
from engine.contract.errors import UsageError, WorldError
from engine.contract.trying import SEEN, TriedOutput, TryResults

CARD = ModelCard(
    name="codec",
    source="external",
    format="safetensors",
    architecture="ecgresnet",
    preprocessing=Preprocessing(rate_hz=100, window_s=3),
    outputs=(Output(name="logits", kind="logits", classes=("NORM", "MI"), activation="sigmoid"),),
)


@pytest.fixture
def workspace(six_recordings, tmp_path, monkeypatch):
    with quick_copy(six_recordings, tmp_path, monkeypatch) as opened:
        weights = tmp_path / "weights.safetensors"
        weights.write_bytes(b"\x02\x00\x00\x00\x00\x00\x00\x00{}")
        opened.add_external(weights, CARD)
        yield opened


def results(record, **more):
    said = TriedOutput(
        name="logits",
        kind="logits",
        judged_as="probability",
        classes=["NORM", "MI"],
        width=2,
        values=[0.75, None],
        windows=[[0.75, None]],
    )
    fields = {"model": "codec", "model_sha256": "0" * 64, "record_id": record, "leads": ["I"], "rate_hz": 100}
    told = {"units": "mV", "window_s": 3, "starts_s": [0.0], "outputs": [said], "seconds": 1.0}
    return TryResults.model_validate({**fields, **told, **more})


def done(workspace, job, told):
    """Take in results as if the engine had written them."""
    with workspace._home.db.write() as session:
        row = jobs.get(session, job)
        row.results, row.state = told.model_dump_json(), "done"
        finish.ACTS["try"](session, workspace._home, row, told)


def test_a_trial_holds_one_recording_and_goes_before_what_nobody_waits_for(workspace):
    workspace.verify_store()
    record = workspace.records()[2].record_id
    job = workspace.try_model("codec", record)
    manifest = workspace._home.run(job).manifest()
    assert [row.record_id for row in manifest] == [record]
    with workspace._home.db.read() as session:
        assert launch._next(session) == job


def test_what_it_kept_comes_back(workspace):
    record = workspace.records()[0].record_id
    job = workspace.try_model("codec", record)
    with pytest.raises(UsageError, match="no finished trial"):
        workspace.tried(job)
    done(workspace, job, results(record))
    with pytest.raises(WorldError, match="gone or damaged"):
        workspace.tried(job)
    x_NCL = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    np.savez(workspace._home.run(job).path / SEEN, x=x_NCL)
    tried = workspace.tried(job)
    np.testing.assert_array_equal(tried.x_NCL, x_NCL)
    assert tried.results.outputs[0].values == [0.75, None]


def test_a_refused_recording_has_kept_nothing(workspace):
    record = workspace.records()[0].record_id
    job = workspace.try_model("codec", record)
    done(workspace, job, results(record, refused="it is too short", outputs=[], starts_s=[]))
    assert workspace.tried(job).x_NCL is None


def test_strange_models_and_recordings_are_refused(workspace):
    with pytest.raises(UsageError, match="none of this id"):
        workspace.try_model("codec", "nothing")
    workspace.add_baseline()
    with pytest.raises(UsageError, match="kind baseline"):
        workspace.try_model("age + sex", workspace.records()[0].record_id)


def test_a_trial_is_told_in_words():
    told = trial_words(results("r1", notes=["run one by one"]))
    assert "Windows    1 of 3 s at 100 Hz, I" in told
    assert "NORM" in told
    assert "0.75" in told
    assert "run one by one" in told
    facts = {fact.name: fact.value for fact in try_facts(results("r1").model_dump())}
    assert facts["Output logits"] == "NORM 0.75, MI none"
    assert "Refused" in trial_words(results("r1", refused="it is too short", outputs=[]))
