"""The section on a pretraining: in the words of its objective, with what must be said before any figure."""

import io
import re
from dataclasses import replace
from typing import Any

import pytest
from pdf_text import page_texts
from report_factory import NAMES, cards, difference, estimate, evidence_of, make_dossier, pretrained, sha
from reportlab.platypus import SimpleDocTemplate

from app.governance.basis import Basis
from app.governance.dossier import Dossier, PretrainingSection
from app.governance.limits import limits_of
from app.report import style
from app.report.charts import MOST_MARKERS, Curve, CurveChart
from app.report.evidence import Ledger
from app.report.svg import SvgCanvas
from app.report.tables import Context
from app.report.training import figure_names, pretraining
from engine.contract.card import COLLAPSE_NOTE, DERIVED_STAMP, LEAK_NOTE, Lineage, ModelCard
from engine.contract.config import (
    AnyObjectiveConfig,
    CPCConfig,
    Data2vecConfig,
    DinoSRConfig,
    HuBERTConfig,
    JEPAConfig,
    ProbeConfig,
    S4Config,
    TransformerConfig,
)
from engine.contract.results import LabelResult, ProbeChange, ProbePoint


def section(objective: AnyObjectiveConfig | None = None, **results: Any) -> PretrainingSection:
    base = pretrained(NAMES[0])
    changes: dict[str, Any] = {}
    if objective is not None:
        changes = {"objective": objective, "backbone": TransformerConfig(), "normalisation": "ptbxl"}
    return replace(base, config=base.config.model_copy(update=changes), results=base.results.model_copy(update=results))


def text_of(one: PretrainingSection) -> str:
    """What the section alone prints."""
    results = {one.job_id: one.results.model_dump(mode="json")}
    context = Context(Ledger(evidence_of(results), results), "0" * 64)
    out = io.BytesIO()
    style.register_fonts()
    SimpleDocTemplate(out).build(pretraining(one, context))
    return re.sub(r"\s+", " ", " ".join(page_texts(out.getvalue())).replace("\u00a0", " "))


@pytest.mark.parametrize("objective", [JEPAConfig(), Data2vecConfig(), DinoSRConfig(), HuBERTConfig()])
def test_only_cpc_speaks_of_chance(objective: AnyObjectiveConfig) -> None:
    part = text_of(section(objective))
    assert "chance" not in part
    assert objective.summary in part
    assert f"loss, {objective.loss_unit}" in part
    assert objective.trivial_text in part
    assert "z-score per lead" in part


def test_cpc_is_told_against_chance_in_nats() -> None:
    told = text_of(section())
    assert "Chance level" in told
    assert "Training loss, nats per prediction" in told
    assert "Share of true futures ranked first" in told


def test_no_two_figures_of_one_objective_but_the_held_out_twins_have_one_name() -> None:
    for objective in (CPCConfig(), JEPAConfig(), DinoSRConfig()):
        names = [name for key, name in figure_names(objective).items() if key not in ("chance_loss",)]
        assert len(names) - len(set(names)) == 1


def test_what_must_be_known_stands_before_the_first_figure() -> None:
    card = cards(NAMES)[0].model_copy(
        update={
            "stamp": DERIVED_STAMP,
            "notes": (LEAK_NOTE, COLLAPSE_NOTE, "The probe shares patients."),
            "lineage": Lineage(parent_name="theirs", parent_sha256=sha(3)),
        }
    )
    one = section(collapsed="the effective rank fell below 1 % of the width", collapse={"effective_rank": 1.25})
    config = one.config.model_copy(
        update={
            "parent": "models/abc",
            "objective": CPCConfig(fidelity="as_released"),
            "backbone": S4Config(causal=False),
        }
    )
    told = text_of(replace(one, config=config, card=card))
    for words in (
        "Note. Leaks the future",
        "Note. Collapsed while it was pretrained: the effective rank fell",
        "Note. Derived model, research use, not the vendor's product.",
        "Note. The probe shares patients.",
        f"the weights of theirs, sha256 {sha(3)[:16]}",
        "Effective rank of the features 1.250",
        "it counts as collapsed",
    ):
        assert words in told
    assert told.count("Note. Collapsed") == 1


def test_probes_and_forgetting_are_printed_with_interval_and_evidence() -> None:
    points = [
        ProbePoint(step=step, macro=estimate(value, 40), labels=[LabelResult(label="MI", auroc=estimate(value, 40))])
        for step, value in ((0, 0.713), (400, 0.728))
    ]
    change = ProbeChange(label="macro", estimate=difference(0.015, 0.03))
    one = section(probes=points, forgetting=[change])
    one = replace(one, config=one.config.model_copy(update={"probe": ProbeConfig(cohort="reference")}))
    told = text_of(one)
    assert "Linear probe along the way on cohort reference" in told
    assert re.search(r"step 0 0\.713 0\.\d{3} to 0\.\d{3}", told)
    assert re.search(r"macro \+0\.015 −0\.015 to \+0\.045", told)
    assert "Forgetting: AUROC of the last probe minus that of the first" in told


def test_a_long_curve_keeps_its_markers_apart() -> None:
    steps = range(0, 5000, 10)
    canvas = SvgCanvas()
    chart = CurveChart([Curve("held-out", steps, [1.0] * len(steps), style.INK, (), True)], "loss", 400, 120)
    chart.canv = canvas
    chart.draw()
    marks = [one for one in canvas.elements if "<path" in one and "Z" in one]
    assert 10 <= len(marks) <= MOST_MARKERS


def basis() -> Basis:
    return Basis(155, 155, ("ptbxl",), 0, 0, {}, True, 1, ())


def limits(card: ModelCard) -> str:
    dossier: Dossier = make_dossier()
    sections = [replace(dossier.models[0], card=card), *dossier.models[1:]]
    return " ".join(limits_of(basis(), sections, dossier.pretrainings))


def test_derived_leaking_and_collapsed_models_are_limits_of_the_dossier() -> None:
    card = cards(NAMES)[0]
    assert "was made from" not in limits(card)
    line = card.lineage.model_copy(update={"parent_name": "theirs", "parent_sha256": sha(3), "collapsed": "it is flat"})
    told = limits(card.model_copy(update={"lineage": line, "notes": (LEAK_NOTE,)}))
    assert f"'{NAMES[0]}' was made from 'theirs' by further pretraining: {DERIVED_STAMP}." in told
    assert f"'{NAMES[0]}' {LEAK_NOTE}." in told
    assert f"'{NAMES[0]}' {COLLAPSE_NOTE} (it is flat)" in told
