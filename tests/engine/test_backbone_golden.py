"""Weights files and the tokens they made in November 2026: what was trained then must mean the same today.

The tokens were made in float64 from the weights as kept, by the code that its tests hold to plain transcriptions.
"""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.backbones.weights import load_backbone

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "backbones"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.safetensors") if path.stem != "tokens")


@pytest.fixture(scope="module")
def tokens():
    return load_file(GOLDEN / "tokens.safetensors")


def test_every_backbone_has_a_golden_file():
    assert {name.split("-")[0] for name in NAMES} == {"s4", "transformer", "net1d"}


@pytest.mark.parametrize("name", NAMES)
def test_kept_weights_make_the_tokens_they_made(tokens, name):
    backbone, _ = load_backbone(GOLDEN / f"{name}.safetensors")
    with torch.no_grad():
        exact_BLD = backbone.double()(tokens["x_BCT"].double()).tokens_BLD
    torch.testing.assert_close(exact_BLD.float(), tokens[name], atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_single_precision_is_as_close_as_it_can_be(tokens, name):
    backbone, _ = load_backbone(GOLDEN / f"{name}.safetensors")
    with torch.no_grad():
        told_BLD = backbone(tokens["x_BCT"]).tokens_BLD
    torch.testing.assert_close(told_BLD, tokens[name], atol=2e-5, rtol=2e-5)
