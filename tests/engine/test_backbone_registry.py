"""The list of models against the published table of sizes and costs, and against torch's own counter."""

import json
import math

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from engine.backbones.base import count_parameters, count_trainable
from engine.backbones.registry import CROP_SAMPLES, SHOWN, build_backbone, describe_backbones
from engine.cli import main
from engine.contract.backbone import S4_STEM, SHORT_STEM, Net1DConfig, S4Config, TransformerConfig
from engine.ranks.draws import Draws, drawing

# Method specification, section 2.5: parameters, tokens, GFLOPs forward and forward + backward, what the counter says.
PUBLISHED = {
    "s4-causal": (2_932_736, 300, 1.7412, 5.2126, None),
    "s4-bidirectional": (2_949_120, 300, 1.7412, 5.2126, None),
    "transformer": (19_197_952, 600, 27.4096, 82.2067, None),
    "net1d": (9_997_952, 600, 8.8451, 26.5132, 73.8171),
}
# The rivals' bodies of section 2.5 (Net1D's without its 36,864 idle parameters) on the stem of S4.
MATCHED = {"transformer-matched": 18_915_328 + 808_960, "net1d-matched": 9_715_328 - 36_864 + 808_960}


@pytest.fixture(scope="module")
def rows():
    return {row["name"]: row for row in describe_backbones()}


@pytest.mark.parametrize("name", PUBLISHED)
def test_sizes_and_costs_are_the_published_ones(rows, name):
    parameters, tokens, forward, both, counted = PUBLISHED[name]
    row = rows[name]
    assert (row["parameters"], row["tokens"]) == (parameters, tokens)
    assert round(row["forward_gflops"], 4) == forward
    assert round(row["forward_backward_gflops"], 4) == both
    assert (row["counter_gflops"] and round(row["counter_gflops"], 4)) == counted
    assert ("grouped" in (row["counter_note"] or "")) == (counted is not None)


def test_the_command_line_tells_them_to_people_and_programs(rows, capsys):
    assert main(["models", "--json"]) == 0
    assert {row["name"]: row for row in json.loads(capsys.readouterr().out)} == rows
    assert main(["models"]) == 0
    told = capsys.readouterr().out
    assert "net1d                       9,997,952     600      8.8451   26.5132" in told
    assert "net1d: a counter that says 73.8171 is wrong" in told


@pytest.mark.parametrize("name", MATCHED)
def test_matched_variants_have_as_many_tokens_as_s4(rows, name):
    assert rows[name]["tokens"] == rows["s4-causal"]["tokens"] == 300
    assert rows[name]["parameters"] == MATCHED[name]


def test_the_convolutions_of_s4_are_told_apart(rows):
    assert 0 < rows["s4-causal"]["convolution_gflops"] < 0.1 * rows["s4-causal"]["forward_gflops"]
    assert rows["transformer"]["convolution_gflops"] == rows["net1d"]["convolution_gflops"] == 0


@pytest.mark.parametrize("name", [name for name in SHOWN if not name.startswith("s4")])
@pytest.mark.parametrize("causal", [False, True])
def test_costs_are_what_torch_counts_but_for_its_phantom(name, causal):
    """S4, whose kernel is not made for tensors without values, has a test of its own."""
    config = SHOWN[name].model_copy(update={"causal": causal})
    with torch.device("meta"):
        backbone, x_BCT = build_backbone(config).eval(), torch.randn(1, 12, CROP_SAMPLES)
    cost = backbone.products(CROP_SAMPLES)
    # Fused attention computes the weights again in its backward pass; that is no product of the method.
    with sdpa_kernel(SDPBackend.MATH):
        with FlopCounterMode(display=False) as forwards:
            tokens_BLD = backbone(x_BCT).tokens_BLD
        with FlopCounterMode(display=False) as backwards:
            tokens_BLD.sum().backward()
    assert forwards.get_total_flops() == cost.forward
    assert backwards.get_total_flops() == cost.forward_backward - cost.forward + cost.phantom


def test_only_idle_norms_are_parameters_that_nothing_trains():
    for name, config in SHOWN.items():
        with torch.device("meta"):
            backbone = build_backbone(config)
        assert count_parameters(backbone) - count_trainable(backbone) == (36_864 if name == "net1d" else 0)


CAUSAL = {
    "s4": S4Config(width=16, depth=2),
    "s4-diagonal": S4Config(width=16, depth=2, form="diagonal", dynamics="trained"),
    "s4-short-stem": S4Config(width=16, depth=2, stem_kernels=SHORT_STEM.kernels, stem_strides=SHORT_STEM.strides),
    "transformer": TransformerConfig(width=16, depth=2, heads=2, causal=True),
    "net1d": Net1DConfig(width=32, stage_blocks=(1,) * 7, causal=True),
    "net1d-matched": Net1DConfig(
        width=32, stage_blocks=(1,) * 7, causal=True, stem_kernels=S4_STEM.kernels, stem_strides=S4_STEM.strides
    ),
}


@pytest.mark.parametrize("name", CAUSAL)
@pytest.mark.parametrize("sample", [40, 41])
def test_a_causal_backbone_sees_one_sample_past_its_token_and_no_more(name, sample):
    """Method specification, section 10, items 1 and 8: up to sample 2t + 1, or t + 1 with the short stem."""
    told = {}
    for causal in (True, False):
        backbone = build_backbone(CAUSAL[name].model_copy(update={"causal": causal}), seed=0).double().eval()
        x_BCT = torch.randn(1, 12, 80, dtype=torch.float64, generator=torch.Generator().manual_seed(7))
        changed_BCT = x_BCT.clone()
        changed_BCT[..., sample:] += 1
        with torch.no_grad():
            difference_BLD = backbone(x_BCT).tokens_BLD - backbone(changed_BCT).tokens_BLD
        told[causal] = int((difference_BLD.abs().amax((0, 2)) > 1e-10).nonzero()[0])
    assert told == {True: math.ceil((sample - 1) / backbone.stride), False: 0}


@pytest.mark.gpu
@pytest.mark.parametrize("name", CAUSAL)
@pytest.mark.parametrize("causal", [True, False])
def test_a_gpu_makes_the_same_features_and_gradients(name, causal):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    backbone = build_backbone(CAUSAL[name].model_copy(update={"causal": causal}), seed=0).double()
    x_BCT, told = torch.randn(2, 12, 80, dtype=torch.float64), []
    for device in ("cpu", "cuda"):
        draws = Draws(0, "train", 0, (0, 1), torch.device(device))
        backbone.to(device).zero_grad()
        with drawing(draws):
            tokens_BLD = backbone.train()(x_BCT.to(device)).tokens_BLD
        tokens_BLD.square().sum().backward()
        told.append([tokens_BLD.detach().cpu(), *(p.grad.cpu() for p in backbone.parameters() if p.requires_grad)])
    for here, there in zip(*told, strict=True):
        torch.testing.assert_close(there, here, atol=1e-8, rtol=1e-6)
