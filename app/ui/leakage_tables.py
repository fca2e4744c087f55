"""The tables of the leaks view: pairs, models, labels, and what was searched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QSplitter

from app.core.rows import Exposure, LeakSearch
from app.ui import theme as themes
from app.ui.leakage_words import (
    LABEL_WORDS,
    FoundPair,
    agreement,
    exposure_sentences,
    exposure_words,
    label_sentence,
    part_words,
    patient_words,
)
from app.ui.rows_table import Column, RowsTable
from app.ui.run_facts import local_time
from app.ui.signs import sign
from engine.data.circularity import Circularity


def pairs_table() -> RowsTable:
    """Pairs of recordings that are one, leaks with a cross before them."""
    columns = (
        Column("Recording", lambda one: one.copies.record, 144, icon=_pair_icon, tip=_pair_tip),
        Column("Part", lambda one: one.copies.part, 64),
        Column("Copy", lambda one: one.copies.other, 120),
        Column("Stands in", lambda one: part_words(one.copies.other_part), 0),
        Column(
            "Agreement", lambda one: agreement(one.copies), 82, numeric=True, header_tip="1 for a copy, 0 by chance"
        ),
        Column(
            "Overlap", lambda one: f"{one.copies.overlap_s:.1f} s" if one.copies.overlap_s else "", 72, numeric=True
        ),
        Column("Patient", lambda one: patient_words(one.copies), 84, header_tip="Whether both carry one number"),
    )
    return RowsTable(columns, lambda one: one.id, "Recordings that are one")


def models_table() -> RowsTable:
    """Whether models have seen what they are scored on."""
    columns = (
        Column("Model", lambda one: one.model, 170, icon=_model_icon),
        Column("Verdict", exposure_words, 124),
        Column("Was trained on", lambda one: one.training, 190),
        Column("What is known", _first_sentence, 0, tip=exposure_sentences, raw=exposure_sentences),
    )
    return RowsTable(columns, lambda one: one.model, "Whether models have seen the recordings")


def labels_table() -> RowsTable:
    """How far labels repeat the cart's own statement."""
    columns = (
        Column("Label", lambda one: one.label, 130, icon=_label_icon),
        Column("Verdict", lambda one: LABEL_WORDS[one.verdict], 150, tip=label_sentence),
        Column("Known", lambda one: f"{one.known:,}", 70, numeric=True),
        Column("Have it", lambda one: f"{one.positives:,}", 70, numeric=True),
        Column("From the cart", lambda one: f"{one.from_cart:,}", 100, numeric=True),
        Column("Kappa", _kappa, 66, numeric=True, header_tip="Agreement with the cart's closest statement"),
        Column("Closest statement", lambda one: one.statement or "none", 0, tip=label_sentence),
    )
    return RowsTable(columns, lambda one: one.label, "Labels and the cart's own statements")


def searches_table() -> RowsTable:
    """What the cohort was held against, and when."""
    columns = (
        Column("Held against", lambda one: one.against or "its own parts", 190, icon=_search_icon),
        Column("Recordings", lambda one: f"{one.size:,}", 90, numeric=True),
        Column("Found", lambda one: "; ".join(one.findings) or "nothing", 0),
        Column("Searched", lambda one: local_time(one.finished), 130),
        Column("Run", lambda one: one.job_id, 64),
    )
    return RowsTable(columns, lambda one: one.against, "What was searched")


def with_detail(table: RowsTable, words: Callable[[Any], str]) -> QSplitter:
    """A table and, below it, all that is known of the row that is chosen."""
    detail, around = QLabel(), QScrollArea()
    detail.setWordWrap(True)
    detail.setMargin(10)
    detail.setAlignment(Qt.AlignmentFlag.AlignTop)
    detail.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    detail.setAccessibleName("All that is known of it")
    around.setWidget(detail)
    around.setWidgetResizable(True)
    around.setFrameShape(QFrame.Shape.NoFrame)
    around.setAccessibleName("All that is known of the chosen row")
    table.selected.connect(lambda row: detail.setText("" if row is None else words(row)))
    split = QSplitter(Qt.Orientation.Vertical)
    split.addWidget(table)
    split.addWidget(around)
    split.setSizes([260, 140])
    split.setStretchFactor(0, 1)
    return split


def _signed(choose: Callable[[Any], tuple[str, str]]) -> Callable[[Any], QIcon]:
    def icon(row: Any) -> QIcon:
        name, colour = choose(row)
        return sign(name, getattr(themes.current(), colour))

    return icon


def _of_pair(one: FoundPair) -> tuple[str, str]:
    return ("failed", "bad") if one.leak else ("circle", "muted")


def _of_model(one: Exposure) -> tuple[str, str]:
    if one.findings:
        return "failed", "bad"
    return ("warning", "warn") if one.unsearched else ("done", "good")


def _of_label(one: Circularity) -> tuple[str, str]:
    told = {"circular": ("failed", "bad"), "leaning": ("warning", "warn"), "independent": ("done", "good")}
    return told.get(one.verdict, ("circle", "muted"))


def _of_search(one: LeakSearch) -> tuple[str, str]:
    return ("failed", "bad") if one.findings else ("done", "good")


_pair_icon, _model_icon = _signed(_of_pair), _signed(_of_model)
_label_icon, _search_icon = _signed(_of_label), _signed(_of_search)


def _pair_tip(one: FoundPair) -> str:
    return "Must be apart, and is not" if one.leak else "Both in one part: no leak, but they count twice"


def _kappa(one: Circularity) -> str:
    return "" if one.kappa is None else f"{one.kappa:.2f}"


def _first_sentence(told: Exposure) -> str:
    sentences: Sequence[str] = (*told.findings, *told.unsearched, *told.clear)
    return sentences[0] if sentences else "it was trained on nothing before it is scored"
