"""The three views of a comparison: AUROC of each model, paired differences, similarity of layers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.ui import theme as themes
from app.ui.choosers import combo
from app.ui.form_words import sentence
from app.ui.heat_map import HeatMap
from app.ui.interval_table import IntervalRow, IntervalTable, estimate_text, p_text
from app.ui.rows_table import Column, RowsTable
from app.ui.signs import sign
from app.ui.theme import Theme
from engine.contract.results import CKA, LESS_IS_BETTER, CompareResults, Difference, Estimate, EvaluateResults

AUROC, MACRO = "AUROC", "macro"
CSV_TITLES = (
    "quantity",
    "label",
    "model",
    "reference",
    "value",
    "low",
    "high",
    "confidence",
    "method",
    "beside_low",
    "beside_high",
    "beside_method",
    "records",
    "patients",
    "patients_with_label",
    "patients_without_label",
    "not_estimable",
    "p_value",
    "adjusted_p",
    "correction",
    "verdict",
)


class IntervalView(QWidget):
    """A table of intervals, and all that is known of the chosen row below it."""

    def __init__(self, quantity: str, signed: bool, name: str, explanation: str) -> None:
        super().__init__()
        self.table = IntervalTable(quantity, signed, name)
        self.detail, self.explanation = QLabel(), QLabel(explanation)
        self.explanation.setProperty("role", "muted")
        for label in (self.detail, self.explanation):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.table.selected.connect(self._tell)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.explanation)
        column.addWidget(self.table, 1)
        column.addWidget(self.detail)

    def show_rows(self, rows: Sequence[IntervalRow]) -> None:
        """Show these estimates; the first one is chosen when none was."""
        self.table.show_rows(rows)
        if rows and self.table.current() is None:
            self.table.selectRow(0)
        self._tell(self.table.current())

    def _tell(self, row: IntervalRow | None) -> None:
        self.detail.setText("" if row is None else estimate_text(row, self.table.signed))


class EvaluationView(IntervalView):
    """AUROC of every model, macro first, then label by label."""

    def __init__(self) -> None:
        super().__init__(
            "AUROC",
            False,
            "AUROC with intervals",
            "The dashed line at 0.5 is chance. A label with fewer than 500 patients in a class reports the analytic "
            "interval, with the bootstrap beside it.",
        )

    def show_evaluations(self, evaluations: Sequence[EvaluateResults], order: Mapping[str, int]) -> None:
        """Show the evaluations of a comparison; `order` gives each model its colour and marker."""
        groups: dict[str, list[tuple[str, Estimate]]] = {}
        for one in evaluations:
            groups.setdefault("macro", []).append((one.model, one.macro))
            for label in one.labels:
                groups.setdefault(label.label, []).append((one.model, label.auroc))
        self.show_rows(grouped(groups, order))


class DifferenceView(IntervalView):
    """Paired differences of the model examined and each of the others, of one measure at a time.

    Attributes:
        measure: which one; stands in `head`, for which the page finds a place.
    """

    def __init__(self) -> None:
        super().__init__("Difference", True, "Paired differences with intervals", "")
        self.measure = combo("Measure")
        self._results: CompareResults | None = None
        self._order: Mapping[str, int] = {}
        self.measure.currentIndexChanged.connect(lambda _row: self._show())
        self.head = QWidget()
        row = QHBoxLayout(self.head)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.measure)
        row.addStretch(1)

    def show_differences(self, results: CompareResults, order: Mapping[str, int]) -> None:
        """Show the differences of a comparison."""
        self._results, self._order = results, order
        measures = dict.fromkeys(one.measure for one in (*results.differences, *results.further))
        self.measure.offer([(capital(name), name) for name in measures])
        self.measure.setVisible(len(measures) > 1)
        self._show()

    def _show(self) -> None:
        results = self._results
        if results is None:
            return
        measure = self.measure.currentData() or AUROC
        better = " Less is better." if measure in LESS_IS_BETTER else ""
        self.explanation.setText(
            f"{capital(measure)} of {results.examined} minus that of the model in the row, on the same patients and "
            "resamples. An interval across the dashed line at 0 leaves open whether there is any "
            f"difference.{better}{_margin(results)}"
        )
        groups: dict[str, list[Difference]] = {MACRO: []} if measure == AUROC else {}
        for one in (*results.differences, *results.further):
            if one.measure == measure:
                groups.setdefault(one.label, []).append(one)
        self.show_rows(
            [
                IntervalRow(
                    group,
                    one.reference,
                    self._order.get(one.reference, 0),
                    one.estimate,
                    not place,
                    one.adjusted_p,
                    tested(one),
                )
                for group, members in groups.items()
                for place, one in enumerate(members)
            ]
        )


def capital(measure: str) -> str:
    """A measure at the beginning of a line."""
    return measure[:1].upper() + measure[1:]


def tested(difference: Difference) -> str:
    """What a test says of a difference, in a line; empty where none was made."""
    told = []
    if difference.p_value is not None:
        told.append(f"p {p_text(difference.p_value)}")
    if difference.adjusted_p is not None:
        told.append(f"{p_text(difference.adjusted_p)} corrected ({difference.correction})")
    if difference.verdict:
        told.append(f"{difference.verdict} by the margin")
    return ", ".join(told)


def _margin(results: CompareResults) -> str:
    if results.margin is None:
        return ""
    return f" A loss of less than {results.margin:g} was said to be acceptable before."


class SimilarityView(QWidget):
    """CKA between layers: which pair of models, the map, and what to read into it."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs, self.map = QListWidget(), HeatMap(themes.current())
        self.caption, self.warning_sign, self.warning = QLabel(), QLabel(), QLabel()
        self.notes = QLabel()
        self.nearest = RowsTable(NEAREST, lambda match: match.layer, "The most similar layer of the other model")
        self._maps: list[CKA] = []
        self._lay_out()
        self.pairs.currentRowChanged.connect(self._show)

    def show_maps(self, maps: Sequence[CKA], notes: Sequence[str]) -> None:
        """Offer these maps; the pair chosen before stays chosen, else the first pair of two models is."""
        kept = max(self.pairs.currentRow(), 0)
        self._maps = list(maps)
        self.pairs.blockSignals(True)
        self.pairs.clear()
        for one in maps:
            self.pairs.addItem(QListWidgetItem(pair_text(one)))
        self.pairs.blockSignals(False)
        self.pairs.setFixedHeight(max(self.pairs.sizeHintForRow(0), 16) * max(len(maps), 1) + 4)
        self.pairs.setVisible(bool(maps))
        different = next((row for row, one in enumerate(maps) if one.rows != one.columns), 0)
        self.pairs.setCurrentRow(kept if 0 < kept < len(maps) else different)
        self.notes.setText("\n".join(sentence(note) for note in notes))
        self.notes.setVisible(bool(notes))
        self._show()

    def apply_theme(self, theme: Theme) -> None:
        """Take over the ramp."""
        self.map.apply_theme(theme)
        self._show()

    def _show(self) -> None:
        row = self.pairs.currentRow()
        one = self._maps[row] if 0 <= row < len(self._maps) else None
        self.map.show_cka(one)
        self.caption.setText(NO_LAYERS if one is None else caption(one))
        self.nearest.rows.set_rows(matches(one) if one else [])
        rows = len(self.nearest.rows.rows)
        self.nearest.setMaximumHeight(rows * self.nearest.verticalHeader().defaultSectionSize() + 36)
        self.nearest.setVisible(rows > 0)
        warning = one.warning if one else ""
        self.warning.setText(sentence(warning))
        self.warning_sign.setPixmap(sign("warning", themes.current().warn).pixmap(16, 16))
        self.warning.setVisible(bool(warning))
        self.warning_sign.setVisible(bool(warning))

    def _lay_out(self) -> None:
        self.pairs.setAccessibleName("Pair of models")
        self.warning_sign.setAccessibleName("Warning")
        self.warning.setProperty("role", "warn")
        self.caption.setProperty("role", "muted")
        self.notes.setProperty("role", "muted")
        side = QVBoxLayout()
        side.setSpacing(10)
        head = QLabel("Pair of models")
        head.setProperty("role", "heading")
        side.addWidget(head)
        side.addWidget(self.pairs)
        told = QHBoxLayout()
        told.addWidget(self.warning_sign, 0, Qt.AlignmentFlag.AlignTop)
        told.addWidget(self.warning, 1)
        side.addLayout(told)
        for label in (self.caption, self.warning, self.notes):
            label.setWordWrap(True)
        side.addWidget(self.caption)
        side.addWidget(self.notes)
        side.addWidget(self.nearest)
        side.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 12, 0, 0)
        row.setSpacing(20)
        row.addWidget(self.map, 5)
        row.addLayout(side, 3)


@dataclass(frozen=True)
class Match:
    """A layer, the layer of the other model that is most like it, and their CKA."""

    layer: str
    other: str
    value: float


NEAREST = (
    Column("Layer", lambda match: match.layer, 0),
    Column("Most like", lambda match: match.other, 0),
    Column("CKA", lambda match: f"{match.value:.3f}", 72, numeric=True, raw=lambda match: repr(match.value)),
)


def matches(cka: CKA) -> list[Match]:
    """For each layer of the rows' model the most similar layer of the columns' model."""
    told = []
    for layer, line in zip(cka.row_layers, cka.values, strict=True):
        known = [(value, name) for value, name in zip(line, cka.column_layers, strict=True) if value is not None]
        if known:
            value, name = max(known)
            told.append(Match(layer, name, value))
    return told


NO_LAYERS = "None of the models has layers to compare: scores and baselines have none."


def grouped(groups: Mapping[str, Sequence[tuple[str, Estimate]]], order: Mapping[str, int]) -> list[IntervalRow]:
    """Estimates by label as rows, the first of each label marked."""
    return [
        IntervalRow(group, model, order.get(model, 0), estimate, leads=not place)
        for group, estimates in groups.items()
        for place, (model, estimate) in enumerate(estimates)
    ]


def pair_text(cka: CKA) -> str:
    """A pair of models by name."""
    return f"{cka.rows} with itself" if cka.rows == cka.columns else f"{cka.rows} and {cka.columns}"


def caption(cka: CKA) -> str:
    """How the map was made and how to read it."""
    return (
        f"{sentence(cka.method)} {cka.records:,} recordings. 1 means that two layers carry the same information up "
        "to rotation and scale, 0 that they share none; unbiased values may fall slightly below 0."
    )


def comparison_csv(evaluations: Iterable[EvaluateResults], results: CompareResults, delimiter: str = ",") -> str:
    """All estimates of a comparison as delimited text, at full precision, one line each."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(CSV_TITLES)
    for one in evaluations:
        writer.writerow(["AUROC", "macro", one.model, "", *_cells(one.macro)])
        for label in one.labels:
            writer.writerow(["AUROC", label.label, one.model, "", *_cells(label.auroc)])
            if label.auprc is not None:
                writer.writerow(["AUPRC", label.label, one.model, "", *_cells(label.auprc)])
        for target in one.targets:
            writer.writerow(["MAE", target.target, one.model, "", *_cells(target.regression.mae)])
    for gap in (*results.differences, *results.further):
        writer.writerow(
            [f"{gap.measure} difference", gap.label, gap.model, gap.reference, *_cells(gap.estimate), *_test(gap)]
        )
    return out.getvalue()


def _test(gap: Difference) -> list[object]:
    return [gap.p_value, gap.adjusted_p, gap.correction, gap.verdict]


def _cells(e: Estimate) -> list[object]:
    main, beside = e.interval, e.beside
    told: list[object] = [e.value]
    told += [main.low, main.high, main.confidence, main.method] if main else [None] * 4
    told += [beside.low, beside.high, beside.method] if beside else [None] * 3
    return [*told, e.records, e.patients, e.positive_patients, e.negative_patients, e.not_estimable]
