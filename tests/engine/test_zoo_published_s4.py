"""The study's S4 against a naive transcription of the released layer: dense, complex, float64, state by state.

Nothing of our own S4 is used in the reference. The released layer (s42.py, see tests/golden/published_layouts) keeps C
times I - A^L; the first L values of its kernel follow from L Fourier nodes.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from engine.backbones.s4 import S4Convolution
from engine.contract.errors import WorldError
from engine.zoo.published import registry
from engine.zoo.published.s4_importer import kernel_length, translated

STATES = 8


def hippo():
    """A, B and P of HiPPO-LegS, entry by entry (Gu et al. 2022, arXiv:2111.00396)."""
    A, B, P = np.zeros((STATES, STATES)), np.zeros(STATES), np.zeros(STATES)
    for n in range(STATES):
        B[n], P[n] = np.sqrt(2 * n + 1), np.sqrt(n + 0.5)
        for k in range(STATES):
            A[n, k] = -np.sqrt((2 * n + 1) * (2 * k + 1)) if n > k else (-(n + 1) if n == k else 0)
    return A, B, P


def pairs(value):
    return torch.tensor(np.stack([value.real, value.imag], -1))


def discrete(dynamics, dt):
    """The whole system of N states of every channel, conjugates included, by the bilinear rule."""
    w, p, b = (np.concatenate([value, value.conj()]) for value in dynamics)
    A = np.diag(w) - np.outer(p, p.conj())
    left = np.linalg.inv(np.eye(STATES) - dt[:, None, None] / 2 * A)
    return left @ (np.eye(STATES) + dt[:, None, None] / 2 * A), (left @ b) * dt[:, None]


def released_layer(length, directions, seed, channels=5, lower=False):
    """A layer as the released code makes it, and its plain C; eigenvectors have any phase, halves any sign."""
    rng = np.random.default_rng(seed)
    A, B, P = hippo()
    w, V = np.linalg.eig(A + np.outer(P, P))
    chosen = np.flatnonzero(w.imag < 0 if lower else w.imag > 0)
    w, V = w[chosen], V[:, chosen] * np.exp(2j * np.pi * rng.random(len(chosen)))
    dynamics = (w, V.conj().T @ P, V.conj().T @ B)
    log_dt = rng.uniform(np.log(1e-3), np.log(1e-1), channels)
    C = rng.normal(size=(directions, channels, len(w), 2)) @ np.array([1, 1j])
    Abar, _ = discrete(dynamics, np.exp(log_dt))
    corrected = np.eye(STATES) - np.linalg.matrix_power(Abar, length)
    kept = np.einsum("rhn,hnm->rhm", np.concatenate([C, C.conj()], -1), corrected)[..., : len(w)]
    nodes = np.exp(-2j * np.pi * np.arange(length // 2 + 1) / length)
    layer = {"w": np.tile(w, (channels, 1)), "C": kept, "omega": nodes, "z": nodes}
    for name, value in (("B", dynamics[2]), ("P", dynamics[1]), ("Q", dynamics[1].conj())):
        layer[name] = np.tile(value, (1, channels, 1))
    return {name: pairs(value) for name, value in layer.items()} | {"log_dt": torch.tensor(log_dt)}, C, dynamics


def naive_kernels(C, dynamics, log_dt, length):
    """[R, H, length]: twice the real part of C times the state, one step after the other."""
    Abar, x = discrete(dynamics, np.exp(log_dt))
    kernels = np.zeros((*C.shape[:2], length))
    for t in range(length):
        kernels[..., t] = 2 * np.einsum("rhn,hn->rh", C, x[:, : C.shape[-1]]).real
        x = np.einsum("hmn,hn->hm", Abar, x)
    return kernels


def kernel_of_ours(layer, length):
    ours = translated(layer, "model")
    channels = ours["C"].shape[1]
    convolution = S4Convolution(channels, STATES, causal=len(ours["C"]) == 1)
    convolution.load_state_dict(ours | {"D": torch.zeros(channels)}, strict=True)
    return convolution.double().kernel(length).detach().numpy()


def resolvent(told, r, h, dt, node):
    """The transfer function at one Fourier node, as the released code evaluates it: Cauchy sums and Woodbury."""
    z = 2 * (1 - node) / (1 + node)
    w, C, (B, P, Q) = told["w"][h] * dt, told["C"][r, h], (told[name][0, h] for name in "BPQ")

    def cauchy(v):
        return (v / (z - w) + v.conj() / (z - w.conj())).sum() * dt

    return (cauchy(B * C) - cauchy(B * Q) * cauchy(P * C) / (1 + cauchy(P * Q))) * 2 / (1 + node)


@pytest.mark.parametrize(("directions", "lower"), [(1, False), (2, True)])
def test_a_released_layer_has_the_kernel_of_its_recurrence(directions, lower):
    layer, C, dynamics = released_layer(60, directions, seed=directions, lower=lower)
    naive = naive_kernels(C, dynamics, layer["log_dt"].numpy(), 60)
    assert np.abs(kernel_of_ours(layer, 60) - naive).max() < 2e-6 * np.abs(naive).max()


def test_the_reference_itself_evaluates_as_the_released_code_does():
    """An odd length, so that no node lies where the released formula divides by zero."""
    layer, C, dynamics = released_layer(61, 1, seed=3)
    told = {name: layer[name].numpy() @ np.array([1, 1j]) for name in ("w", "C", "B", "P", "Q")}
    nodes = np.exp(-2j * np.pi * np.arange(61) / 61)
    for h, dt in enumerate(np.exp(layer["log_dt"].numpy())):
        kernel = np.fft.ifft([resolvent(told, 0, h, dt, node) for node in nodes]).real
        naive = naive_kernels(C, dynamics, layer["log_dt"].numpy(), 61)[0, h]
        assert np.abs(kernel - naive).max() < 1e-9 * np.abs(naive).max()


def test_a_layer_can_be_run_longer_than_it_was_made_for():
    layer, C, dynamics = released_layer(40, 1, seed=4)
    naive = naive_kernels(C, dynamics, layer["log_dt"].numpy(), 90)
    assert np.abs(kernel_of_ours(layer, 90) - naive).max() < 2e-6 * np.abs(naive).max()


def test_trained_dynamics_are_refused_not_averaged():
    layer, _, _ = released_layer(40, 1, seed=5)
    layer["w"][2, 1, 1] += 0.1
    with pytest.raises(WorldError, match="differ from channel to channel"):
        translated(layer, "model")


def test_dynamics_without_their_conjugates_are_refused():
    layer, _, _ = released_layer(40, 1, seed=6)
    layer["Q"] = layer["P"].clone()
    with pytest.raises(WorldError, match="not the conjugate"):
        translated(layer, "model")


def test_the_length_of_a_kernel_is_read_from_its_nodes():
    assert kernel_length(released_layer(300, 1, seed=7)[0]["omega"], "model") == 300
    with pytest.raises(WorldError, match="Fourier nodes"):
        kernel_length(torch.randn(151, 2), "model")


def released_file(directions, length):
    """A whole file, and the kernels of its blocks; every weight is random."""
    draw = torch.Generator().manual_seed(7)
    state, kernels = {}, []
    for i, (inputs, kernel) in enumerate(((12, 3), (512, 1), (512, 1), (512, 1))):
        at = f"ts_encoder.encoder.layers.{i}."
        state[f"{at}0.weight"] = torch.randn(512, inputs, kernel, generator=draw) * (2 / inputs / kernel) ** 0.5
        state |= {f"{at}1.{name}": torch.rand(512, generator=draw) + 0.5 for name in ("weight", "running_var")}
        state |= {f"{at}1.{name}": torch.randn(512, generator=draw) * 0.1 for name in ("bias", "running_mean")}
        state[f"{at}1.num_batches_tracked"] = torch.tensor(9)
    for block in range(4):
        at = f"ts_encoder.predictor.predictor.s4_layers.{block}."
        layer, C, dynamics = released_layer(length, directions, seed=block, channels=512)
        kernels.append(torch.from_numpy(naive_kernels(C, dynamics, layer["log_dt"].numpy(), 300)))
        state |= {f"{at}kernel.kernel.{name}": value.float() for name, value in layer.items()}
        state[f"{at}D"] = torch.randn(1, 512, generator=draw)
        state[f"{at}output_linear.0.weight"] = torch.randn(1024, 512, generator=draw) / 512**0.5
        state[f"{at}output_linear.0.bias"] = torch.randn(1024, 1, generator=draw) * 0.1
        norm = f"ts_encoder.predictor.predictor.norms.{block}."
        state |= {f"{norm}weight": torch.rand(512, generator=draw) + 0.5, f"{norm}bias": torch.zeros(512)}
    state["ts_encoder.head_ssl.proj.0.weight"] = torch.zeros(512, 512)
    return state, kernels


def naive_network(x_BCT, state, kernels):
    """The last block's tokens, [B, L, D], in float64 with torch's own layers; sums over lags written out."""
    s = {name: value.double() for name, value in state.items()}
    for i in range(4):
        at = f"ts_encoder.encoder.layers.{i}."
        x_BCT = F.conv1d(x_BCT, s[f"{at}0.weight"], stride=2 if i == 0 else 1, padding=1 if i == 0 else 0)
        norm = [s[f"{at}1.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
        x_BCT = F.batch_norm(x_BCT, *norm).relu()
    for block, kernel_RHL in enumerate(kernels):
        at = f"ts_encoder.predictor.predictor.s4_layers.{block}."
        y_BHL = s[f"{at}D"].T * x_BCT
        for lag in range(x_BCT.shape[-1]):
            y_BHL[..., lag:] += kernel_RHL[0, :, lag, None] * x_BCT[..., : x_BCT.shape[-1] - lag]
        for lag in range(x_BCT.shape[-1] - 1 if len(kernel_RHL) > 1 else 0):
            y_BHL[..., : -lag - 1] += kernel_RHL[1, :, lag, None] * x_BCT[..., lag + 1 :]
        mixed = torch.einsum("vu,bul->bvl", s[f"{at}output_linear.0.weight"], F.gelu(y_BHL))
        update = F.glu(mixed + s[f"{at}output_linear.0.bias"], dim=1)
        norm = f"ts_encoder.predictor.predictor.norms.{block}."
        summed = (x_BCT + update).transpose(1, 2)
        x_BCT = F.layer_norm(summed, (512,), s[f"{norm}weight"], s[f"{norm}bias"]).transpose(1, 2)
    return x_BCT.transpose(1, 2)


@pytest.mark.parametrize(
    ("family", "variant", "directions", "length"), [("ecg-cpc", "cpc", 1, 1200), ("s4-study", "jepa", 2, 300)]
)
def test_a_whole_released_file_embeds_as_its_naive_network(family, variant, directions, length):
    state, kernels = released_file(directions, length)
    x_BCT = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 12, 600)).astype(np.float32))
    with torch.inference_mode():
        told = registry.load(family, variant, state)(x_BCT)["embedding"]
        naive = naive_network(x_BCT.double(), state, kernels).mean(1)
    assert torch.allclose(told.double(), naive, rtol=0, atol=1e-4)
