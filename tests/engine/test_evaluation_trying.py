"""A trial: what was fed is kept as it was fed, and the answers are those of every evaluation."""

import numpy as np
import pytest

from engine.contract.card import Output, Preprocessing
from engine.contract.errors import WorldError
from engine.contract.model_source import ExternalModel
from engine.contract.trying import SEEN, TryConfig
from engine.evaluation import trying
from engine.evaluation.trying import run, starts
from engine.signal.condition import model_input
from engine.zoo.external import LoadedExternal

FEED = Preprocessing(leads=("II", "I"), rate_hz=100, window_s=2, stride_s=1, aggregation="mean over windows")
LOGITS = Output(name="logits", kind="logits", classes=("A", "B"), activation="sigmoid")
WIDE = Output(name="pooled", kind="embedding")
RATE = 250.0


class Runner:
    """Sums of each lead, not a number where the sum is negative; an embedding of three ones."""

    def run(self, x_NCT, singly=False):
        logits = x_NCT.sum(axis=2)
        return {"logits": np.where(logits < 0, np.nan, logits), "pooled": np.ones((len(x_NCT), 3), np.float32)}

    def close(self):
        """Nothing to end."""


class Kept:
    """A store of one recording."""

    def __init__(self, signal_CT):
        self.signal_CT = signal_CT

    def find(self, record_id):
        return 0 if record_id == "r1" else None

    def entry(self, row):
        return type("Entry", (), {"rate_hz": RATE, "derived": ()})

    def signal(self, row):
        return self.signal_CT


class Folder:
    """A run folder with a manifest of one recording."""

    def __init__(self, path, record="r1"):
        self.path, self.record = path, record

    def manifest(self):
        return [type("Row", (), {"record_id": self.record})]

    def stop_asked(self):
        return False


class Silent:
    def emit(self, event):
        """Nobody listens."""


@pytest.fixture
def signal_CT():
    signal_CT = np.random.default_rng(0).normal(0.01, 0.2, (12, round(5 * RATE))).astype(np.float32)
    signal_CT[0] -= 1  # lead I, the second that is fed: its sums are negative
    return signal_CT


def tried(monkeypatch, tmp_path, signal_CT, feed=FEED, record="r1"):
    model = ExternalModel(name="vendor", format="onnx", sha256="0" * 64, preprocessing=feed, outputs=(LOGITS, WIDE))
    loaded = LoadedExternal("vendor", feed, (LOGITS, WIDE), "0" * 64, "i", Runner)
    monkeypatch.setattr(trying, "load_external", lambda source, threads: loaded)
    monkeypatch.setattr(trying.Store, "open", lambda path: Kept(signal_CT))
    return run(Folder(tmp_path, record), TryConfig(model=model), Silent())


def test_the_windows_that_are_kept_are_those_of_the_contract(monkeypatch, tmp_path, signal_CT):
    told = tried(monkeypatch, tmp_path, signal_CT)
    with np.load(tmp_path / SEEN) as kept:
        np.testing.assert_array_equal(kept["x"], model_input(signal_CT, RATE, FEED))
    assert told.starts_s == [0, 1, 2, 3]
    assert told.leads == ["II", "I"]


def test_answers_are_told_of_the_recording_and_of_each_window_and_none_where_there_is_no_number(
    monkeypatch, tmp_path, signal_CT
):
    answer, pooled = tried(monkeypatch, tmp_path, signal_CT).outputs
    sums_N = model_input(signal_CT, RATE, FEED)[:, 0].astype(float).sum(axis=1)
    kept_N = sums_N >= 0
    truth_N = 1 / (1 + np.exp(-sums_N))
    for value, truth, kept in zip(answer.windows, truth_N, kept_N, strict=True):
        assert value[0] == (pytest.approx(truth, abs=1e-5) if kept else None)
        assert value[1] is None
    assert answer.values[1] is None
    assert (answer.judged_as, answer.classes) == ("probability", ["A", "B"])
    assert (pooled.width, pooled.values, pooled.classes) == (3, [], [])


def test_a_recording_that_the_contract_refuses_is_told_and_nothing_is_kept(monkeypatch, tmp_path, signal_CT):
    told = tried(monkeypatch, tmp_path, signal_CT, FEED.model_copy(update={"window_s": 30.0}))
    assert "lasts 5.00 s" in told.refused
    assert told.outputs == []
    assert not (tmp_path / SEEN).exists()


def test_a_recording_that_is_not_in_the_store_ends_the_trial(monkeypatch, tmp_path, signal_CT):
    with pytest.raises(WorldError, match="the store holds none of this id"):
        tried(monkeypatch, tmp_path, signal_CT, record="r2")


def test_windows_follow_one_another_where_the_card_names_no_stride():
    assert starts(FEED.model_copy(update={"stride_s": None}), 3) == [0, 2, 4]
