"""The card of what a training makes: where it comes from, what it must be fed, and what must be said of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.contract.card import COLLAPSE_NOTE, DERIVED_STAMP, LEAK_NOTE, RESEARCH_STAMP, Lineage, ModelCard
from engine.contract.config import PretrainConfig
from engine.data.manifest import Manifest
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
class Corpus:
    """What a card tells of the recordings; they do not change, so it is found out once a run.

    Attributes:
        train: recordings to train on.
        held_out: recordings of the held-out loss.
        patients: of the training recordings.
        sha256: of all ids and sides.
    """

    train: int
    held_out: int
    patients: int
    sha256: str

    @classmethod
    def of(cls, manifest: Manifest) -> Corpus:
        """Of the recordings of a run."""
        train, held_out = manifest.part("train"), len(manifest.places("validation"))
        return cls(len(train), held_out, train.count_patients(), manifest.part("train", "validation").digest())


@dataclass(frozen=True)
class Standing:
    """How the training stands when a card is written."""

    step: int
    weights_sha256: str
    origin: Origin = FRESH
    collapse: dict[str, float | None] = field(default_factory=dict)
    collapsed: str = ""


def model_card(config: PretrainConfig, corpus: Corpus, run_id: str, parameters: int, now: Standing) -> ModelCard:
    """Identity, lineage and preprocessing contract of the model as it stands at a step."""
    lineage = Lineage(
        objective=config.objective.name,
        fidelity=config.objective.fidelity,
        backbone=config.backbone.summary,
        parameters=parameters,
        corpus=f"{corpus.train} recordings of the workspace to train on, {corpus.held_out} held out",
        corpus_sha256=corpus.sha256,
        records=corpus.train,
        patients=corpus.patients,
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
