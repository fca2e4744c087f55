"""External models: how their outputs are read, what they may do with batches, which files they are."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from engine.contract.card import Output, Preprocessing
from engine.contract.errors import WorldError
from engine.contract.model_source import ExternalModel
from engine.data.digests import sha256_of
from engine.zoo.architectures.ecgresnet import ECGResNet, build
from engine.zoo.external import MIXING, ONE_BY_ONE, LoadedExternal, load_external
from engine.zoo.readout import read_out

FEED = Preprocessing(leads=("I", "II"), rate_hz=100, window_s=1, clip_mv=None)
LOGITS = Output(name="logits", kind="logits", classes=("A", "B"), activation="sigmoid")


class Fake:
    """A runner made of a function."""

    def __init__(self, answer):
        self.answer, self.batches, self.closed = answer, [], 0

    def run(self, x_NCT, singly=False):
        parts = np.split(x_NCT, len(x_NCT)) if singly else [x_NCT]
        self.batches += [len(part) for part in parts]
        told = [self.answer(part) for part in parts]
        return {name: np.concatenate([one[name] for one in told]) for name in told[0]}

    def close(self):
        self.closed += 1


def loaded(answer, outputs=(LOGITS,), feed=FEED):
    fake = Fake(answer)
    return LoadedExternal("vendor", feed, tuple(outputs), "s", "i", lambda: fake), fake


def sums(x_NCT):
    return {"logits": x_NCT.sum(axis=2)}


def windows(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 2, 100)).astype(np.float32)


def test_a_recording_is_the_mean_of_its_windows_probabilities():
    model, _ = loaded(sums)
    parts = [windows(3), windows(1, seed=1)]
    told = model.features(parts)
    truth = [(1 / (1 + np.exp(-x.sum(axis=2).astype(float)))).mean(axis=0) for x in parts]
    np.testing.assert_allclose(told, truth, atol=1e-6)


def test_a_recording_is_its_worst_window_where_the_card_says_so():
    model, _ = loaded(sums, feed=FEED.model_copy(update={"aggregation": "maximum over windows"}))
    x_NCT = windows(4)
    truth = (1 / (1 + np.exp(-x_NCT.sum(axis=2).astype(float)))).max(axis=0)
    np.testing.assert_allclose(model.features([x_NCT])[0], truth, atol=1e-6)


def test_a_graph_that_fails_on_batches_is_run_one_by_one_and_says_so():
    def only_one(x_NCT):
        if len(x_NCT) > 1:
            raise WorldError("model vendor", "it failed", "Ask its maker", fault="model_failed")
        return sums(x_NCT)

    model, fake = loaded(only_one)
    assert model.features([windows(5)]).shape == (1, 2)
    assert fake.batches[-5:] == [1] * 5
    assert model.notes == [ONE_BY_ONE]


def test_a_model_whose_answers_depend_on_the_batch_is_run_one_by_one_and_says_so():
    model, fake = loaded(lambda x: {"logits": x.sum(axis=2) - x.mean()})
    first = model.features([windows(5)])
    np.testing.assert_array_equal(first[0], model.features([windows(5), windows(3, seed=2)])[0])
    assert model.notes == [MIXING]
    assert set(fake.batches[-8:]) == {1}


def test_another_failure_than_the_batchs_is_not_taken_for_it():
    def dies(x_NCT):
        if len(x_NCT) > 1:
            raise WorldError("sandbox", "out of memory", "Allow it more", fault="sandbox_memory")
        return sums(x_NCT)

    with pytest.raises(WorldError, match="out of memory"):
        loaded(dies)[0].features([windows(1)])


def test_windows_of_several_recordings_share_batches():
    model, fake = loaded(sums)
    assert model.layer_widths == (2,)
    fake.batches.clear()
    model.features([windows(3), windows(4), windows(3)], batch_size=4)
    assert fake.batches == [4, 4, 2]


def test_an_output_that_the_graph_has_not_is_named():
    with pytest.raises(WorldError, match="no output 'logits', only scores"):
        loaded(lambda x: {"scores": x[:, :, 0]})[0].features([windows(1)])


def test_a_model_that_gives_nan_has_no_number_there():
    model, _ = loaded(lambda x: {"logits": np.where(x[:, :, 0] > 0, np.nan, 1.0)})
    told = model.features([windows(1, seed) for seed in range(4)])
    assert np.isnan(told).any()
    assert np.isfinite(told).any()


def test_it_is_closed_however_it_ends():
    model, fake = loaded(lambda x: {} if x.shape[2] == 0 else sums(x))
    with pytest.raises(WorldError), model.opened():
        model.features([np.zeros((1, 3, 100), dtype=np.float32)[:, :, :0]])
    assert fake.closed == 1


@pytest.mark.parametrize(
    ("raw", "output", "match"),
    [
        (np.zeros((2, 3)), LOGITS, "has 3 classes, its card names 2"),
        (np.zeros((3, 2)), LOGITS, "is 3x2 for 2 windows"),
        (np.float32(1), LOGITS, "a single number"),
        (np.zeros((2, 7, 2)), LOGITS, "has an axis of time"),
        (np.array([["a", "b"], ["c", "d"]]), LOGITS, "holds no numbers"),
    ],
)
def test_outputs_of_another_shape_than_the_card_says_are_refused(raw, output, match):
    with pytest.raises(WorldError, match=match):
        read_out(np.asarray(raw), output, 2, "model vendor")


@given(st.integers(1, 3), st.integers(1, 5), st.integers(2, 4), st.booleans())
def test_softmax_over_classes_is_averaged_over_time(batch, time, classes, second):
    raw = np.random.default_rng(batch + 10 * time + 100 * classes).normal(size=(batch, time, classes))
    output = Output(
        name="o",
        kind="logits",
        classes=tuple("abcd"[:classes]),
        activation="softmax",
        over_time="mean",
        classes_second=second,
    )
    told = read_out(raw.transpose(0, 2, 1) if second else raw, output, batch, "model vendor")
    for n in range(batch):
        rows = [np.exp(row) / np.exp(row).sum() for row in raw[n]]
        np.testing.assert_allclose(told[n], np.mean(rows, axis=0), atol=1e-12)
    np.testing.assert_allclose(told.sum(axis=1), 1)


@pytest.mark.parametrize("logit", [-1e300, -1000.0, 0.0, 1000.0, 1e300])
def test_a_huge_logit_overflows_nothing(logit):
    told = read_out(np.array([[logit, -logit]]), LOGITS, 1, "model vendor")
    assert np.isfinite(told).all()
    assert told.sum() == pytest.approx(1)


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    save_file(ECGResNet().state_dict(), tmp_path / "net.safetensors")
    return tmp_path


def source(folder, **changes):
    feed = Preprocessing(rate_hz=100, window_s=3)
    outputs = (
        Output(name="logits", kind="logits", classes=tuple("ABCDE"), activation="sigmoid"),
        Output(name="embedding", kind="embedding"),
    )
    given = {
        "name": "net",
        "format": "safetensors",
        "folder": str(folder),
        "entry": "net.safetensors",
        "files": {"net.safetensors": sha256_of(folder / "net.safetensors")},
        "architecture": "ecgresnet",
        "sha256": "s",
        "preprocessing": feed,
        "outputs": outputs,
    }
    return ExternalModel(**{**given, **changes})


def test_weights_of_a_known_architecture_run_as_the_network_itself(weights):
    model = load_external(source(weights))
    assert model.layer_widths == (5, 128)
    x_NCT = np.random.default_rng(0).normal(size=(2, 12, 300)).astype(np.float32)
    torch.manual_seed(0)
    net = ECGResNet().eval()
    with torch.inference_mode():
        truth = net(torch.from_numpy(x_NCT))
    told = model.features([x_NCT])
    np.testing.assert_allclose(told[0, :5], truth["logits"].sigmoid().mean(0), atol=1e-6)
    np.testing.assert_allclose(told[0, 5:], truth["embedding"].mean(0), atol=1e-6)


def test_five_classes_make_the_published_number_of_parameters():
    assert sum(p.numel() for p in build({"head.bias": torch.zeros(5)}).parameters()) == 250_885


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: {name: t[name] for name in t if name != "stem.0.weight"}, "lack 'stem.0.weight'"),
        (lambda t: {**t, "teacher.x": torch.zeros(1)}, "hold 'teacher.x'"),
        (lambda t: {**t, "stem.0.weight": torch.zeros(64, 8, 15)}, r"'stem.0.weight' is \(64, 8, 15\) and not"),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_the_name_of_the_tensor(weights, change, match):
    save_file(change(ECGResNet().state_dict()), weights / "net.safetensors")
    with pytest.raises(WorldError, match=match) as caught:
        assert load_external(source(weights)).layer_widths
    assert caught.value.fault == "misfit"


def test_a_file_that_is_not_the_registered_one_is_refused(weights):
    registered = source(weights)
    save_file(ECGResNet().state_dict(), weights / "net.safetensors")
    (weights / "net.safetensors").write_bytes((weights / "net.safetensors").read_bytes() + b" ")
    with pytest.raises(WorldError, match="is not the one that was registered"):
        load_external(registered)


def test_an_unknown_architecture_and_damaged_weights_are_refused(weights):
    with pytest.raises(WorldError, match="no architecture 'resnet9'"):
        assert load_external(source(weights, architecture="resnet9")).layer_widths
    (weights / "net.safetensors").write_bytes(b"\x00" * 30)
    with pytest.raises(WorldError, match="cannot be read"):
        assert load_external(source(weights)).layer_widths


def test_weights_of_a_published_family_are_loaded_by_its_importer(weights, monkeypatch):
    asked = []

    def importer(architecture, tensors, thing):
        asked.append((architecture, len(tensors), thing))
        return build(tensors)

    monkeypatch.setattr("engine.zoo.weights_runner.load_architecture", importer)
    model = load_external(source(weights, architecture="ecgfounder/12-lead"))
    assert model.layer_widths == (5, 128)
    assert asked == [("ecgfounder/12-lead", len(ECGResNet().state_dict()), "model net")]
