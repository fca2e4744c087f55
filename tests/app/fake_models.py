"""A workspace in memory with models of several makers, for tests of the Models page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from fake_workspace import SHA, FakeWorkspace, job

from app.core.cohort_choices import CohortChoices
from app.core.model_lineage import LineageEdge, LineageGraph, LineageNode
from app.core.off_label import OffLabel, RuleOutside
from app.core.rows import JobRow, ModelRow
from app.core.vetting import Vetting
from engine.contract.card import Lineage, ModelCard, Output, Preprocessing
from engine.contract.estimate import Estimate, Interval
from engine.contract.sandbox import SandboxState
from engine.contract.vetting import (
    Determinism,
    Golden,
    GoldenAnswer,
    OutputParity,
    ParityCertificate,
    Sensitivity,
    SensitivityItem,
    VetFinding,
    VetResults,
)

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


def vetting(name: str) -> VetResults:
    """What a vetting with one finding of each weight tells, an output off its maker's, and a silent fault."""
    off = OutputParity(
        output="rhythm",
        compared="recordings",
        records=16,
        values=96,
        largest_absolute=0.2,
        range=1,
        limit=1e-3,
        met=False,
    )
    fell = Estimate(value=-0.12, interval=Interval(low=-0.2, high=-0.05, method="bootstrap"), records=90, patients=80)
    clean = Estimate(value=0.9, interval=Interval(low=0.8, high=0.95, method="bootstrap"), records=90, patients=80)
    items = [
        SensitivityItem(name="polarity", field="polarity", title="Turned over", verdict="breaks loudly", refused=16),
        SensitivityItem(
            name="rate",
            field="rate_hz",
            title="Read at 250 Hz",
            verdict="works, only worse",
            changed_calls=0.3,
            change=fell,
        ),
        SensitivityItem(name="clip", field="clip_mv", title="Not clipped", verdict="no difference", spearman=1.0),
    ]
    return VetResults(
        model=name,
        version="6",
        model_sha256=SHA,
        contract_sha256=SHA,
        findings=[
            VetFinding(rule="licence", weight="note", found="its licence is not known"),
            VetFinding(rule="window", weight="blocking", subject="signal", found="it takes 5,000", advice="correct it"),
        ],
        passed=["runs"],
        unchecked={"probabilities": "it gives none"},
        parity=ParityCertificate(
            verdict="not met",
            model=name,
            version="6",
            model_sha256=SHA,
            contract_sha256=SHA,
            golden_sha256=SHA,
            reference_sha256=SHA,
            tolerance=1e-3,
            outputs=[off],
            left_out=["beat: the file tells none"],
            date="2026-11-22T09:00:00Z",
        ),
        determinism=Determinism(state="deterministic", repeats=5, batches=[1, 2]),
        sensitivity=Sensitivity(
            records=90, patients=80, where="cohort ward7", mode="own", clean=clean, loss=0.01, items=items
        ),
        golden=Golden(
            sha256=SHA, answers=[GoldenAnswer(name="00003_hr", windows=1, values={"rhythm": {"afib": 0.02}})]
        ),
        seconds=3.0,
    )


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
        self.vetted: dict[str, VetResults] = {}
        self.agreed: set[str] = set()
        self.outside = 12
        self.sandbox = SandboxState(means=("bubblewrap",), complete=True)

    def models(self) -> list[ModelRow]:
        rows = [model_row(one) for one in self.cards]
        return [replace(row, allow_incomplete=row.name in self.agreed) for row in rows]

    def add_vetting(self, name: str) -> None:
        """A finished vetting of a model."""
        self.vetted[name] = vetting(name)
        self.rows["J0020"] = replace(job("J0020", "vet", name, "done"), model=name)

    def latest_vetting(self, name: str) -> Vetting | None:
        return None if name not in self.vetted else Vetting("J0020", self.vetted[name], True)

    def sandbox_state(self) -> SandboxState:
        return self.sandbox

    def agree_to_incomplete_sandbox(self, name: str) -> ModelRow:
        self._said("agree", name)
        self.agreed.add(name)
        return next(row for row in self.models() if row.name == name)

    def vet(self, *asked: Any) -> str:
        self._said("vet", *asked)
        return self._queue("vet", str(asked[0]))

    def cohort_choices(self) -> CohortChoices:
        return CohortChoices(values={"sex": (("female", 3), ("male", 4))})

    def compare_versions(self, old: str, new: str, **asked: Any) -> str:
        self._said("compare_versions", old, new, asked)
        return self._queue("version", f"{old} {new}")

    def version_changes(self, models: list[str]) -> list[JobRow]:
        return [row for row in self.rows.values() if row.kind == "version"]

    def off_label(self, name: str, cohort: str) -> OffLabel:
        rules = next(one.eligibility for one in self.cards if one.name == name)
        told = tuple(RuleOutside(rule, self.outside, 1, {}) for rule in rules)
        return OffLabel(name, 140, self.outside, 1, told, "")

    def export_golden(self, model: str, folder: Path) -> list[Path]:
        self._said("export_golden", model, folder)
        return [folder / "golden.npz"]

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
