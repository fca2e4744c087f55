"""The card of what a training makes: where it comes from, what it must be fed, and what must be said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.contract.card import COLLAPSE_NOTE, DERIVED_STAMP, LEAK_NOTE, RESEARCH_STAMP, Lineage, ModelCard
from engine.contract.config import PretrainConfig
from engine.contract.run import ManifestRow
from engine.data.splits import split_digest
from engine.training.parent import Parent, preprocessing


@dataclass(frozen=True)
class Origin:
    """The parent's name, hash and notes; all empty for a model that was started fresh."""

    name: str = ""
    sha256: str = ""
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, parent: Parent) -> Origin:
        """The origin of a parent's child."""
        return cls(parent.name, parent.sha256, parent.notes)

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Origin:
        """As a checkpoint keeps it."""
        return cls(state["name"], state["sha256"], tuple(state["notes"]))

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps: the parent itself may be gone when the run goes on."""
        return {"name": self.name, "sha256": self.sha256, "notes": list(self.notes)}


FRESH = Origin()


@dataclass(frozen=True)
class Standing:
    """How the training stands when a card is written."""

    step: int
    weights_sha256: str
    origin: Origin = FRESH
    collapse: dict[str, float | None] = field(default_factory=dict)
    collapsed: str = ""


def model_card(
    config: PretrainConfig, manifest: Sequence[ManifestRow], run_id: str, parameters: int, now: Standing
) -> ModelCard:
    """Identity, lineage and preprocessing contract of the model as it stands at a step."""
    used = [row for row in manifest if row.split in ("train", "validation")]
    train = [row for row in used if row.split == "train"]
    lineage = Lineage(
        objective=config.objective.name,
        fidelity=config.objective.fidelity,
        backbone=config.backbone.summary,
        parameters=parameters,
        corpus=f"{len(train)} recordings of the workspace to train on, {len(used) - len(train)} held out",
        corpus_sha256=split_digest([row.record_id for row in used], [row.split for row in used]),
        records=len(train),
        patients=len({row.patient for row in train}),
        steps=now.step,
        seed=config.seed,
        run_id=run_id,
        parent_sha256=now.origin.sha256,
        parent_name=now.origin.name,
        collapse=now.collapse,
        collapsed=now.collapsed,
    )
    return ModelCard(
        name=config.name,
        source="native",
        developer="pretrained in this workspace",
        intended_use="features for linear probes on recordings of this workspace",
        output="embedding",
        weights_sha256=now.weights_sha256,
        lineage=lineage,
        preprocessing=preprocessing(config),
        stamp=DERIVED_STAMP if now.origin.sha256 else RESEARCH_STAMP,
        notes=_notes(config, now),
    )


def _notes(config: PretrainConfig, now: Standing) -> tuple[str, ...]:
    """The parent's notes first: a child inherits what its parent learned from."""
    own = [LEAK_NOTE] * config.leaks + [COLLAPSE_NOTE] * bool(now.collapsed)
    return tuple(dict.fromkeys([*now.origin.notes, *own]))
