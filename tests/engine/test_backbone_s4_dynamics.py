"""The linear system within S4: LegS, its diagonal form, and dynamics that stay or learn."""

import itertools
import math

import numpy as np
import pytest
import torch

from engine.backbones.registry import build_backbone
from engine.backbones.s4 import S4Convolution
from engine.backbones.s4_dynamics import diagonal_dynamics, discrete_system, hippo_legs, response
from engine.contract.config import S4Config


def test_eigenvalues_of_legs_are_the_known_ones():
    poles_J = diagonal_dynamics(8).poles_J
    np.testing.assert_allclose(poles_J.real, -0.5)
    np.testing.assert_allclose(poles_J.imag, [19.8574, 5.3542, 1.9578, 0.4275], atol=5e-5)


@pytest.mark.parametrize("states", [2, 8, 64])
def test_the_diagonal_form_is_legs_in_another_basis(states):
    A_NN, B_N, P_N = hippo_legs(states)
    told = diagonal_dynamics(states)
    V_NN = np.concatenate([told.basis_NJ, told.basis_NJ.conj()], 1)
    poles_N, p_N = np.concatenate([told.poles_J, told.poles_J.conj()]), np.concatenate([told.p_J, told.p_J.conj()])
    np.testing.assert_allclose(V_NN.conj().T @ V_NN, np.eye(states), atol=1e-10)
    np.testing.assert_allclose(
        V_NN @ (np.diag(poles_N) - np.outer(p_N, p_N.conj())) @ V_NN.conj().T, A_NN, atol=1e-8 * states
    )
    np.testing.assert_allclose(2 * (told.basis_NJ @ told.b_J).real, B_N, atol=1e-10)
    np.testing.assert_allclose(2 * (told.basis_NJ @ told.p_J).real, P_N, atol=1e-10)


def cauchy_kernel(layer, length):
    """The published way to the same kernel (Gu et al. 2022, section 3 and algorithm 1), in complex float64.

    The generating function of the truncated kernel on the roots of unity is a sum of Cauchy kernels 1 / (g - pole), put
    together by Woodbury's identity for the rank-1 correction, and an inverse Fourier transform leads back.
    """
    J = layer.C.shape[2]
    dynamics = diagonal_dynamics(2 * J)
    both = [np.concatenate([half, half.conj()]) for half in (dynamics.poles_J, dynamics.p_J, dynamics.b_J)]
    poles_N, p_N, b_N = both
    C_HJ = torch.view_as_complex(layer.C.detach().double())[0].numpy()
    A_NN, eye_NN = np.diag(poles_N) - np.outer(p_N, p_N.conj()), np.eye(2 * J)
    z_L = np.exp(-2j * np.pi * np.arange(length) / length)
    # z = -1 is a pole of g and none of the function: there it is dt / 2 C b.
    finite_L = np.abs(1 + z_L) > 1e-9
    kernels = []
    for h, log_dt in enumerate(layer.log_dt.tolist()):
        dt, c_N = math.exp(log_dt), np.concatenate([C_HJ[h], C_HJ[h].conj()])
        A_bar = np.linalg.solve(eye_NN - A_NN * dt / 2, eye_NN + A_NN * dt / 2)
        # Only finitely many terms: C (I - A^L) instead of C.
        c_N = c_N @ (eye_NN - np.linalg.matrix_power(A_bar, length))
        g_L = 2 / dt * (1 - z_L[finite_L]) / (1 + z_L[finite_L])
        cauchy_LN = 1 / (g_L[:, None] - poles_N)
        cb, cp, pb, pp = (
            cauchy_LN @ (v * w) for v, w in ((c_N, b_N), (c_N, p_N), (p_N.conj(), b_N), (p_N.conj(), p_N))
        )
        spectrum_L = np.full(length, c_N @ b_N * dt / 2)
        spectrum_L[finite_L] = 2 / (1 + z_L[finite_L]) * (cb - cp * pb / (1 + pp))
        kernels.append(np.fft.ifft(spectrum_L))
    return np.array(kernels)


@pytest.mark.parametrize("length", [300, 37])
def test_the_kernel_is_that_of_the_published_cauchy_route(length):
    torch.manual_seed(12)
    layer = S4Convolution(5, 8, causal=True).double()
    published_HL = cauchy_kernel(layer, length)
    assert np.abs(published_HL.imag).max() < 1e-9
    np.testing.assert_allclose(layer.kernel(length)[0].detach().numpy(), published_HL.real, atol=1e-8)


def test_step_sizes_lie_log_uniformly_between_their_limits():
    torch.manual_seed(5)
    log_dt = S4Convolution(20_000, 2, causal=True).log_dt
    low, high = math.log(0.001), math.log(0.1)
    assert low <= log_dt.min() < log_dt.max() <= high
    for share in (0.25, 0.5, 0.75):
        assert abs(torch.quantile(log_dt, share).item() - (low + share * (high - low))) < 0.05


def test_dynamics_are_frozen_and_survive_a_change_of_precision():
    layer = S4Convolution(8, 8, causal=True)
    assert {name for name, _ in layer.named_parameters()} == {"C", "D"}
    before = {name: value.clone() for name, value in layer.named_buffers()}
    layer.half().float()
    for name, value in layer.named_buffers():
        assert torch.equal(value, before[name])


def test_loaded_dynamics_replace_the_basis_in_use():
    torch.manual_seed(6)
    one, other = S4Convolution(4, 8, causal=True), S4Convolution(4, 8, causal=True)
    assert not torch.equal(one.kernel(10), other.kernel(10))
    other.load_state_dict(one.state_dict())
    assert torch.equal(one.kernel(10), other.kernel(10))


def test_the_published_buffers_are_ours_but_for_copies():
    """Method specification, section 10, item 7: 17,500 floats a block, with copies for each channel and 151 nodes."""
    convolution = build_backbone(S4Config(), seed=0).blocks[0].convolution
    held = {name: value.numel() for name, value in convolution.named_buffers()}
    assert held == {"log_dt": 512, "poles": 8, "p": 8, "b": 8}
    with_copies_and_q = held["log_dt"] + 512 * (held["poles"] + 2 * held["p"] + held["b"])
    nodes = 2 * 2 * (300 // 2 + 1)
    assert with_copies_and_q + nodes == 17_500


def test_the_diagonal_form_tends_to_legs():
    """Gu et al. 2022 (arXiv:2206.11893), theorem 3: with b halved the normal part responds as LegS does, as N grows.

    Told by the answer to a step: that to a pulse converges in the mean only, its high frequencies keep ringing.
    """
    errors = []
    for states in (8, 32, 128):
        legs = diagonal_dynamics(states)
        poles_HJ, p_HJ, b_HJ = (torch.from_numpy(v.copy())[None] for v in legs[:3])
        dt_H = torch.tensor([0.001], dtype=torch.float64)
        told = []
        for correction, b in ((p_HJ, b_HJ), (None, b_HJ / 2)):
            pulse_ML = response(*discrete_system(poles_HJ, correction, b, dt_H), 4000)[0]
            # Read as the first two Legendre coefficients.
            told.append(torch.view_as_real(torch.from_numpy(legs.basis_NJ[:2].copy())).flatten(1) @ pulse_ML.cumsum(1))
        errors.append((((told[0] - told[1]).abs().amax(1)) / told[0].abs().amax(1)).tolist())
    assert errors[0] > [0.05, 0.15]
    for rough, fine in itertools.pairwise(errors):
        assert all(f < r / 3 for r, f in zip(rough, fine, strict=True))
    assert max(errors[-1]) < 0.006


def test_the_diagonal_layer_is_a_sum_of_exponentials():
    torch.manual_seed(14)
    layer = S4Convolution(4, 8, True, form="diagonal").double()
    assert {name for name, _ in layer.named_buffers()} == {"log_dt", "poles", "b"}
    legs, dt_H1 = diagonal_dynamics(8), layer.log_dt.exp()[:, None].numpy()
    pole_HJ = (1 + dt_H1 * legs.poles_J / 2) / (1 - dt_H1 * legs.poles_J / 2)
    b_HJ = dt_H1 * legs.b_J / 2 / (1 - dt_H1 * legs.poles_J / 2)
    C_HJ = torch.view_as_complex(layer.C.detach())[0].numpy()
    expected_HL = 2 * np.einsum("hj,hjl->hl", C_HJ * b_HJ, pole_HJ[..., None] ** np.arange(50)).real
    np.testing.assert_allclose(layer.kernel(50)[0].detach().numpy(), expected_HL, atol=1e-12)


@pytest.mark.parametrize("form", ["nplr", "diagonal"])
def test_trained_dynamics_start_as_the_frozen_ones(form):
    torch.manual_seed(15)
    frozen = S4Convolution(6, 8, False, form).double()
    torch.manual_seed(15)
    trained = S4Convolution(6, 8, False, form, "trained").double()
    u_BLH = torch.randn(2, 40, 6, dtype=torch.float64)
    torch.testing.assert_close(trained(u_BLH), frozen(u_BLH), atol=1e-5, rtol=1e-5)
    names = {"C", "D", "log_dt", "poles", "b"} | ({"p"} if form == "nplr" else set())
    assert {name for name, _ in trained.named_parameters()} == names
    assert trained.poles.shape == (6, 4, 2)


@pytest.mark.parametrize("form", ["nplr", "diagonal"])
def test_gradients_of_trained_dynamics_are_those_of_the_definition(form):
    torch.manual_seed(16)
    layer = S4Convolution(2, 4, False, form, "trained").double()
    names, values = zip(*layer.named_parameters(), strict=True)
    u_BLH = torch.randn(1, 7, 2, dtype=torch.float64)

    def output(*given):
        return torch.func.functional_call(layer, dict(zip(names, given, strict=True)), (u_BLH,))

    assert torch.autograd.gradcheck(output, values)


def test_a_training_that_moves_the_dynamics_far_leaves_them_stable():
    torch.manual_seed(17)
    layer = S4Convolution(8, 8, True, dynamics="trained")
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.3)
    for _ in range(20):
        optimizer.zero_grad()
        (-layer(torch.ones(1, 200, 8)).square().mean().log()).backward()
        optimizer.step()
    assert torch.linalg.eigvals(layer.system().A_HMM.detach()).abs().max() < 1
