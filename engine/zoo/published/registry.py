"""All importers by family and variant; `engine.contract.published_families` tells what each is."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from engine.contract.errors import UsageError
from engine.zoo.published import ecg_cpc, ecg_fm, ecg_jepa, ecgfounder, hubert_ecg, merl, s4_study, st_mem
from engine.zoo.published.importer import Importer

IMPORTERS: Mapping[str, Mapping[str, Importer]] = {
    "s4-study": s4_study.IMPORTERS,
    "ecg-cpc": ecg_cpc.IMPORTERS,
    "ecgfounder": ecgfounder.IMPORTERS,
    "st-mem": st_mem.IMPORTERS,
    "ecg-jepa": ecg_jepa.IMPORTERS,
    "merl": merl.IMPORTERS,
    "hubert-ecg": hubert_ecg.IMPORTERS,
    "ecg-fm": ecg_fm.IMPORTERS,
}

ARCHITECTURES = tuple(f"{family}/{variant}" for family, variants in IMPORTERS.items() for variant in variants)
"""How model cards name them: "ecgfounder/12-lead"."""


def build(family: str, variant: str) -> nn.Module:
    """A network with fresh weights, in evaluation mode; x_BCT -> its named outputs, the embedding [B, D] first.

    Raises:
        UsageError: no such family or variant.
    """
    return _importer(family, variant).build(variant)


def load(family: str, variant: str, state: Mapping[str, Tensor], thing: str = "weights file") -> nn.Module:
    """A network with published weights, in evaluation mode.

    Args:
        family: of the list.
        variant: of the family.
        state: the published tensors by name.
        thing: the model, as errors call it.

    Raises:
        UsageError: no such family or variant.
        WorldError: a tensor is missing, unexpected, of another shape or not finite; it is named.
    """
    return _importer(family, variant).load(variant, state, thing)


def load_architecture(architecture: str, state: Mapping[str, Tensor], thing: str) -> nn.Module:
    """`load`, by the name of a model card: "ecgfounder/12-lead"."""
    family, _, variant = architecture.partition("/")
    return load(family, variant, state, thing)


def _importer(family: str, variant: str) -> Importer:
    found = IMPORTERS.get(family, {}).get(variant)
    if found is None:
        known = ", ".join(ARCHITECTURES)
        raise UsageError(f"network {family}/{variant}", "no importer has this name", f"Name one of: {known}")
    return found
