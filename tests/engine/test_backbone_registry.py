"""The list of models against the published table of sizes and costs, and against torch's own counter."""

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from engine.backbones.base import count_parameters, count_trainable
from engine.backbones.registry import CROP_SAMPLES, SHOWN, build_backbone, describe_backbones

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
