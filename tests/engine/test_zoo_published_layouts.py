"""Importers against layouts transcribed from the public sources, apart from them: names, shapes, counts, refusals."""

import hashlib
import json
import math
from pathlib import Path

import pytest
import torch

from engine.contract.errors import UsageError, WorldError
from engine.contract.published_families import FAMILIES, GAPS, family
from engine.signal.condition import check_card
from engine.zoo.published import registry

GOLDEN = Path(__file__).parent.parent / "golden" / "published_layouts"
LAYOUTS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(GOLDEN.glob("*.json"))}
EVERY = [(name, variant) for name, layout in LAYOUTS.items() for variant in layout["variants"]]
PLAIN = [(name, variant) for name, variant in EVERY if name not in ("s4-study", "ecg-cpc")]
SMALL = ("merl", "vit-tiny")
POOL = torch.randn(1 << 20, generator=torch.Generator().manual_seed(1))


def numel(shapes):
    return sum(math.prod(shape) for shape in shapes.values())


def synthetic(name, variant):
    """A file with the published names and shapes, what is dropped included; small random weights."""
    layout = LAYOUTS[name]["variants"][variant]
    return {key: tensor(key, shape) for key, shape in (layout["tensors"] | layout["dropped"]).items()}


def tensor(key, shape):
    if key.endswith("num_batches_tracked"):
        return torch.tensor(5)
    count = math.prod(shape)
    values = POOL.repeat(-(-count // len(POOL)))[:count].view(shape)
    if key.endswith("running_var"):
        return values.abs() + 0.5
    if len(shape) > 1:
        return values * (2 / math.prod(shape[1:])) ** 0.5
    return values * 0.1 + 1 if key.endswith("weight") else values * 0.1


def fed(variant):
    card = variant.preprocessing
    return torch.randn(2, len(card.leads), card.samples, generator=torch.Generator().manual_seed(2)) * 0.3


def test_every_listed_family_has_an_importer_and_a_layout_and_nothing_else_has():
    listed = {one.name: {variant.name for variant in one.variants} for one in FAMILIES}
    assert {name: set(variants) for name, variants in registry.IMPORTERS.items()} == listed
    assert {name: set(layout["variants"]) for name, layout in LAYOUTS.items()} == listed
    assert tuple(name for one in FAMILIES for name in one.architectures) == registry.ARCHITECTURES


def test_every_layout_names_its_source_and_commit():
    for layout in LAYOUTS.values():
        assert layout["derived"]
        assert all(source["url"].startswith("https://") and source["paths"] for source in layout["sources"])
        assert all(len(source["commit"]) in (0, 40) for source in layout["sources"])


def test_ecgfounders_answers_are_called_as_in_its_makers_file():
    """The sha256 is that of their tasks.txt, as public code that reads it pins it."""
    classes = family("ecgfounder").variant("1-lead").classes
    told = "".join(f"{name}\n" for name in classes).encode()
    known = "7c087a0d383c7ea9ae9b818ad00a551b029334edfa5f1fbb5036bfbaa0df0c39"
    assert hashlib.sha256(told).hexdigest() == known
    for name in ("12-lead", "1-lead"):
        dense = LAYOUTS["ecgfounder"]["variants"][name]["tensors"]["dense.weight"]
        assert dense[0] == len(family("ecgfounder").variant(name).classes) == 150


def test_none_is_said_to_be_verified_on_weights_that_were_never_at_hand():
    assert {one.verified for one in FAMILIES} == {"on layout only"}
    assert all(gap.reason for gap in GAPS)


@pytest.mark.parametrize(("name", "variant"), EVERY)
def test_what_a_variant_must_be_fed_can_be_fed(name, variant):
    check_card(family(name).variant(variant).preprocessing)


@pytest.mark.parametrize(("name", "variant"), EVERY)
def test_the_parameters_that_are_told_are_those_of_network_and_layout(name, variant):
    told = family(name).variant(variant)
    with torch.device("meta"):
        network = registry.build(name, variant)
    assert sum(p.numel() for p in network.parameters()) == told.parameters
    buffers = ("running_mean", "running_var", "num_batches_tracked")
    buffers += tuple(f"kernel.kernel.{one}" for one in ("omega", "z", "w", "B", "P", "Q", "log_dt"))
    layout = LAYOUTS[name]["variants"][variant]["tensors"]
    used = {key: shape for key, shape in layout.items() if not key.endswith(buffers)}
    assert numel(used) == told.parameters


def test_counts_are_the_published_ones():
    """The READMEs, the training log, the model page and the audits that the layouts name under "facts"."""
    ecg_fm = LAYOUTS["ecg-fm"]["variants"]["pretrained"]
    assert numel(ecg_fm["tensors"]) + numel(ecg_fm["dropped"]) == 90_883_072
    cpc = LAYOUTS["ecg-cpc"]["variants"]["cpc"]
    assert len(cpc["tensors"]) == 76
    assert set(cpc["dropped"]) == {"ts_encoder.head_ssl.proj.0.weight"}
    small = LAYOUTS["hubert-ecg"]["variants"]["small"]
    assert len(small["tensors"]) + len(small["dropped"]) == 148
    large = LAYOUTS["hubert-ecg"]["variants"]["large"]
    assert round((numel(large["tensors"]) + numel(large["dropped"])) / 1e6) == 189
    assert LAYOUTS["ecg-jepa"]["facts"]["learnable parameters"]["encoder and predictor, fixed positions left out"] == (
        family("ecg-jepa").variants[0].parameters - 8 * 50 * 768 + predictor_parameters()
    )


def predictor_parameters():
    """ECG-JEPA's predictor, six blocks of 384, by hand: the training log counts it too (96.30 million)."""
    D, H = 384, 1536
    block = 4 * D + 3 * D * D + (D * D + D) + (D * H + H) + (H * D + D)
    return (768 * D + D) + D + 6 * block + 2 * D + (D * 768 + 768)


@pytest.mark.parametrize(("name", "variant"), [("merl", "resnet18"), SMALL, ("hubert-ecg", "small")])
def test_a_file_of_the_published_layout_loads_and_embeds_the_same_every_time(name, variant):
    told = family(name).variant(variant)
    network = registry.load(name, variant, synthetic(name, variant))
    x_BCT = fed(told)
    with torch.inference_mode():
        first, again = network(x_BCT), network(x_BCT)
    assert {key: value.shape[1] for key, value in first.items()} == {one.name: one.width for one in told.outputs}
    assert all(bool(torch.isfinite(value).all()) for value in first.values())
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.allclose(first["embedding"][0], first["embedding"][1])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "variant"), PLAIN)
def test_every_file_of_a_published_layout_loads_at_full_size(name, variant):
    told = family(name).variant(variant)
    with torch.inference_mode():
        outputs = registry.load(name, variant, synthetic(name, variant))(fed(told))
    answers = {"logits": len(told.classes)} if told.classes else {}
    assert {key: value.shape[1] for key, value in outputs.items()} == {
        one.name: one.width for one in told.outputs
    } | answers
    assert all(bool(torch.isfinite(value).all()) for value in outputs.values())


@pytest.mark.parametrize(("name", "variant"), EVERY)
def test_an_importer_asks_for_the_names_and_shapes_of_its_layout_and_no_other(name, variant):
    layout = LAYOUTS[name]["variants"][variant]["tensors"]
    with torch.device("meta"):
        state = {key: torch.empty(shape) for key, shape in layout.items()}
    asked = registry.IMPORTERS[name][variant].shapes(variant, state)
    assert asked == {key: tuple(shape) for key, shape in layout.items()}


def test_a_missing_tensor_is_named():
    state = synthetic(*SMALL)
    del state["block3.attn.fn.to_qkv.bias"]
    with pytest.raises(WorldError, match=r"its file lacks block3\.attn\.fn\.to_qkv\.bias") as refused:
        registry.load(*SMALL, state)
    assert refused.value.fault == "misfit"


def test_a_tensor_too_many_is_named():
    with pytest.raises(WorldError, match=r"holds what the network has not: block12\.attn\.norm\.weight"):
        registry.load(*SMALL, synthetic(*SMALL) | {"block12.attn.norm.weight": torch.ones(192)})


def test_a_tensor_of_another_shape_is_named_with_both():
    with pytest.raises(WorldError, match=r"has other shapes: pos_embedding 1x50x192 for 1x100x192"):
        registry.load(*SMALL, synthetic(*SMALL) | {"pos_embedding": torch.ones(1, 50, 192)})


def test_numbers_that_are_not_finite_are_refused():
    state = synthetic(*SMALL)
    state["norm.weight"] = torch.full((192,), float("nan"))
    with pytest.raises(WorldError, match=r"not finite: norm\.weight"):
        registry.load(*SMALL, state)


def test_many_faults_are_counted_not_recited():
    with pytest.raises(WorldError, match=r"and \d+ more"):
        registry.load(*SMALL, {})


def test_weights_in_half_precision_become_single():
    state = {name: value.half() if value.is_floating_point() else value for name, value in synthetic(*SMALL).items()}
    assert {p.dtype for p in registry.load(*SMALL, state).parameters()} == {torch.float32}


def test_weight_norm_as_newer_torch_spells_it_is_the_same():
    state = synthetic("hubert-ecg", "small")
    at = "encoder.pos_conv_embed.conv."
    spelled = dict(state)
    for number, old in enumerate(("weight_g", "weight_v")):
        spelled[f"{at}parametrizations.weight.original{number}"] = spelled.pop(f"{at}{old}")
    old, new = (registry.load("hubert-ecg", "small", one).state_dict() for one in (state, spelled))
    assert all(torch.equal(old[name], new[name]) for name in old)


def test_an_unknown_network_is_refused_with_those_that_are_known():
    with pytest.raises(UsageError, match="ecgfounder/12-lead"):
        registry.build("ecgfounder", "3-lead")
    with pytest.raises(UsageError, match="no importer"):
        registry.load_architecture("ecgresnet", {}, "model")


@pytest.mark.parametrize(
    "extra", ["ts_encoder.predictor.predictor.s4_layers.4.D", "ts_encoder.encoder.layers.4.0.weight"]
)
def test_a_study_file_with_a_layer_too_many_is_refused(extra):
    state = synthetic("ecg-cpc", "cpc")
    with pytest.raises(WorldError, match=rf"holds what the network has not: {extra}"):
        registry.load("ecg-cpc", "cpc", state | {extra: torch.ones(1, 512)})


def test_a_causal_file_is_not_taken_for_a_bidirectional_one():
    with pytest.raises(WorldError, match=r"kernel\.kernel\.C 1x512x4x2 for 2x512x4x2"):
        registry.load("s4-study", "jepa", synthetic("s4-study", "cpc"))
