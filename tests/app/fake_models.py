"""A workspace in memory with models of several makers, for tests of the Models page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fake_workspace import SHA, FakeWorkspace

from app.core.model_lineage import LineageEdge, LineageGraph, LineageNode
from app.core.rows import ModelRow
from engine.contract.card import Lineage, ModelCard, Output, Preprocessing

RHYTHMS = ("sinus", "avb", "paced", "afib", "bbb", "ventricular")
ECG12 = Preprocessing(rate_hz=100, window_s=3, aggregation="mean over windows", stride_s=1.5)


def codec(version: str, **more: Any) -> ModelCard:
    """A card of one version of a product whose maker declined to tell on whom it is meant to be used."""
    contract = Preprocessing(leads=("II",), rate_hz=500, window_s=10, aggregation="mean over windows")
    rhythm = Output(name="rhythm", kind="logits", classes=RHYTHMS, activation="softmax", over_time="mean")
    told = {
        "product": "codec",
        "developer": "Vital",
        "licence": "Apache-2.0",
        "lineage": Lineage(corpus="LUDB, PTB-XL"),
        "declined": ("population",),
    }
    return card(f"codec v{version}", "onnx", contract, rhythm, version=version, **{**told, **more})


def card(name: str, format: str, contract: Preprocessing, *outputs: Output, **more: Any) -> ModelCard:
    fields = {"name": name, "source": "external", "format": format, "preprocessing": contract, "outputs": outputs}
    return ModelCard.model_validate({**fields, **more})


def model_row(told: ModelCard) -> ModelRow:
    data = told.model_dump(mode="json")
    return ModelRow(told.name, told.version, told.source, SHA, "2026-11-22T09:00:00Z", data)


def default_cards() -> list[ModelCard]:
    superclasses = Output(name="logits", kind="logits", classes=("NORM", "MI"), activation="sigmoid")
    return [
        ModelCard(name="demo", source="native", output="embedding", preprocessing=ECG12),
        codec("1"),
        codec("6", eligibility=("age 18..", "paced no")),
        card("resnet", "safetensors", ECG12, superclasses, licence="CC-BY-NC", non_commercial=True, reason="a test"),
        card("box", "endpoint", ECG12, superclasses),
    ]


class FakeModels(FakeWorkspace):
    """What the Models page needs of a workspace."""

    def __init__(self, cards: list[ModelCard] | None = None) -> None:
        super().__init__()
        self.cards = default_cards() if cards is None else cards

    def models(self) -> list[ModelRow]:
        return [model_row(one) for one in self.cards]

    def add_external(
        self, path: Path | None, card: ModelCard, *, name: str | None = None, address: str = "", command: Any = ()
    ) -> ModelRow:
        self._said("add_external", path, card.name, address, command)
        self.cards.append(card)
        return model_row(card)

    def model_versions(self, product: str) -> list[ModelRow]:
        return [model_row(one) for one in self.cards if one.product == product]

    def model_lineage(self, name: str) -> LineageGraph:
        own = f"model {name}"
        graph = LineageGraph([LineageNode(own, "model", name, "version 1, external")])
        corpus = LineageNode("corpus PTB-XL", "corpus", "PTB-XL")
        graph.add(corpus, LineageEdge(corpus.key, own, "trained"))
        graph.add(LineageNode("model child", "model", "child", "version 1"), LineageEdge(own, "model child", "went on"))
        for number in range(12):
            run = LineageNode(f"run J{number:04d}", "examination", f"J{number:04d}", "evaluate, on all, done")
            graph.add(run, LineageEdge(own, run.key, "examined"))
        return graph
