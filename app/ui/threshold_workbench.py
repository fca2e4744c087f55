"""The threshold workbench: a slider over thresholds, and what each finds, misses and costs, live; and of whom.

Moving tells counts at once; the intervals, clustered by patient, come when the slider rests. Above the slider every
tested recording stands at its score, one step from its trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSlider,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from app.core.scored_records import ScoredRecords
from app.ui.background import Background
from app.ui.cut_label import CutLabel
from app.ui.evaluation_facts import number
from app.ui.evaluation_tables import FactTable
from app.ui.interval_table import MINUS
from app.ui.run_facts import Fact
from app.ui.score_strip import ScoreStrip
from app.ui.threshold_neighbours import ThresholdNeighbours
from app.ui.tiles import Figure, Tiles
from app.ui.wrapped_row import WrappedRow
from engine.contract.errors import UsageError, WorldError
from engine.contract.estimate import Estimate
from engine.contract.evaluation import LabelResult
from engine.contract.operating import NAMES, Measure, ThresholdCurve

if TYPE_CHECKING:
    from app.workspace import Workspace

REST_MS = 250
TABLES_PX = 102
"""Least height of the tables; where the window is lower than that, the page scrolls."""
OPTIMISTIC = "A threshold picked here, on the tested recordings, looks better than it will be: test it on others."
PRESETS = (("Sensitivity at least 95 %", "sensitivity", 0.95), ("Specificity at least 95 %", "specificity", 0.95))
SHOWN: tuple[Measure, ...] = ("sensitivity", "specificity", "ppv", "npv", "alerts_per_100", "screened_per_finding")


@dataclass(frozen=True)
class AtThreshold:
    """Counts at one threshold of a curve, and what they would mean at a prevalence.

    Attributes:
        prevalence: share of recordings with the label where the model would be used.
    """

    curve: ThresholdCurve
    row: int
    prevalence: float

    @property
    def sensitivity(self) -> float:
        """Share of the recordings with the label that are found."""
        return self.curve.true_positives[self.row] / max(self.curve.positives, 1)

    @property
    def specificity(self) -> float:
        """Share of the others that raise no alert."""
        return 1 - self.curve.false_positives[self.row] / max(self.curve.negatives, 1)

    @property
    def alerts(self) -> float:
        """Share of all recordings that raise an alert."""
        return self.prevalence * self.sensitivity + (1 - self.prevalence) * (1 - self.specificity)

    @property
    def ppv(self) -> float | None:
        """Share of alerts that are right; None where there is no alert."""
        return self.prevalence * self.sensitivity / self.alerts if self.alerts > 0 else None

    @property
    def npv(self) -> float | None:
        """Share of the silent that are free of the label; None where nothing is silent."""
        silent = 1 - self.alerts
        return (1 - self.prevalence) * self.specificity / silent if silent > 0 else None

    @property
    def missed_per_1000(self) -> float:
        """Recordings with the label that raise no alert, of 1,000."""
        return 1000 * self.prevalence * (1 - self.sensitivity)


class ThresholdWorkbench(QWidget):
    """Thresholds of one label of one evaluation."""

    trace_wanted = Signal(str)
    """The id of a recording whose trace is to be seen."""

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__()
        self.workspace, self.background = workspace, background
        self.slider, self.prevalence = QSlider(Qt.Orientation.Horizontal), QLineEdit()
        self.strip, self.looked_at, self.neighbours = ScoreStrip(), CutLabel(), ThresholdNeighbours()
        self.threshold, self.tiles = QLabel(), Tiles("What the threshold means")
        self.measures = FactTable("Measures at the threshold with intervals")
        self.chosen_button, self.tested_button = QPushButton("As in the evaluation"), QPushButton()
        self.presets = [QPushButton(text) for text, *_ in PRESETS]
        self._told, self._whence, self._below = QLabel(), CutLabel(), QLabel()
        self._job, self._label = "", LabelResult(label="", auroc=Estimate())
        self._scored: ScoredRecords | None = None
        self._refused = False
        self._share: float | None = None  # None: the tested recordings' own
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._lay_out()
        self._connect()

    def _connect(self) -> None:
        self.slider.valueChanged.connect(self._moved)
        self.prevalence.textEdited.connect(self._set_share)
        self.tested_button.clicked.connect(lambda: self._start_share(None))
        self.chosen_button.clicked.connect(self._choose_own)
        for made, (_, kind, least) in zip(self.presets, PRESETS, strict=True):
            made.clicked.connect(partial(self._choose_least, kind, least))
        self.strip.dragged.connect(self.move_to)
        self.strip.told.connect(self.looked_at.setText)
        for part in (self.strip, self.neighbours):
            part.trace_wanted.connect(self.trace_wanted)
        self._rest.timeout.connect(self._ask)

    @property
    def at(self) -> AtThreshold | None:
        """Where the slider stands; None without a curve or with a prevalence that is none."""
        curve = self._label.curve
        if curve is None or not curve.thresholds:
            return None
        share = self._tested if self._share is None else self._share
        return AtThreshold(curve, min(self.slider.value(), len(curve.thresholds) - 1), share) if 0 < share < 1 else None

    @property
    def _tested(self) -> float:
        """Share of the tested recordings of known label that have it."""
        curve = self._label.curve
        return 0.0 if curve is None else curve.positives / max(curve.positives + curve.negatives, 1)

    def move_to(self, threshold: float) -> None:
        """Go to the threshold of the curve that is nearest to a score."""
        self.slider.setValue(self._row_of(threshold))

    def _row_of(self, score: float) -> int:
        """The threshold of the curve that is nearest to a score: of very many, a curve keeps some."""
        kept = [] if self._label.curve is None else self._label.curve.thresholds
        return min(range(len(kept)), key=lambda row: abs(kept[row] - score), default=0)

    def show_label(self, job_id: str, label: LabelResult | None) -> None:
        """Take over a label of an evaluation; the slider starts at the evaluation's own threshold."""
        self._scored, self._refused = None, False
        if label is None or label.curve is None or not label.curve.thresholds:
            self._job, self._label = "", LabelResult(label="", auroc=Estimate())
            self.setEnabled(False)
            self._told.setText("This evaluation keeps no thresholds of this label.")
            self.strip.tell("")
            self.tiles.show_figures([])
            for table in (self.measures, self.neighbours):
                table.rows.set_rows([])
            return
        self.setEnabled(True)
        self._job, self._label, curve = job_id, label, label.curve
        self.strip.tell("Reading the scores\N{HORIZONTAL ELLIPSIS}")
        self.slider.setRange(0, len(curve.thresholds) - 1)
        self.tested_button.setText(f"As tested, {100 * self._tested:.3g} %")
        self._start_share(self._asked)
        self.chosen_button.setEnabled(bool(self._own()))
        self._choose_own()
        self._tell()
        self._rest.start()

    def showEvent(self, event: QShowEvent) -> None:
        """Intervals are asked for once somebody looks."""
        super().showEvent(event)
        self._rest.start()

    @property
    def _asked(self) -> float | None:
        """The local prevalence that the evaluation was asked with for this label, the first if there are several."""
        point = self._label.operating
        return point.elsewhere[0].prevalence if point is not None and point.elsewhere else None

    def _start_share(self, share: float | None) -> None:
        """Set the prevalence from here, not by typing; the tested share when None."""
        self._share = share
        self.prevalence.setText(f"{100 * (self._tested if share is None else share):.3g}")
        self._moved()

    def _set_share(self, text: str) -> None:
        self._share = _share(text) or 0.0  # none that could be: told as such
        self._moved()

    def _own(self) -> list[float]:
        """Thresholds that the evaluation took, one or each fold's own."""
        return [] if self._label.operating is None else self._label.operating.own

    def _choose_own(self) -> None:
        if own := self._own():
            self.move_to(sorted(own)[len(own) // 2])

    def _choose_least(self, kind: str, least: float) -> None:
        """The threshold that reaches a sensitivity or specificity at the least cost to the other."""
        curve = self._label.curve
        if curve is None:
            return
        at = [AtThreshold(curve, row, 0.5) for row in range(len(curve.thresholds))]
        fit = [one for one in at if getattr(one, kind) >= least]
        if fit:
            other = "specificity" if kind == "sensitivity" else "sensitivity"
            self.slider.setValue(max(fit, key=lambda one: getattr(one, other)).row)

    def _moved(self) -> None:
        self._tell()
        self.measures.show_facts([])
        self._rest.start()

    def _tell(self) -> None:
        at = self.at
        self._whence.setText(self._words_of_share())
        self.tested_button.setEnabled(self._share is not None)
        if at is None:
            wrong = bool(self._label.label)
            self.threshold.setText("The prevalence must be more than 0 % and less than 100 %." if wrong else "")
            self.tiles.show_figures([])
            return
        threshold = at.curve.thresholds[at.row]
        self.threshold.setText(f"Positive from score {threshold:.4g}".replace("-", MINUS))
        self.tiles.show_figures(figures(at))
        self.strip.show_threshold(threshold)
        if self._scored is not None:
            self.neighbours.show_near(self._scored, threshold)
        self._told.setText(self._words_of_choice())

    def _words_of_choice(self) -> str:
        """Where the threshold comes from, and what is wrong with one that is picked here."""
        own, point = self._own(), self._label.operating
        told = ", ".join(f"{value:.4g}" for value in own).replace("-", MINUS)
        chosen = self.slider.value() in {self._row_of(value) for value in own}
        self._told.setProperty("role", "muted" if chosen else "warn")
        self._told.style().polish(self._told)
        if chosen and point is not None:
            of_folds = ", of its folds" if len(own) > 1 else ""
            return f"The evaluation's own{of_folds}: {told}, {point.how}."
        return f"{OPTIMISTIC} {f'The evaluation took {told}.' if told else ''}".rstrip()

    def _words_of_share(self) -> str:
        """Where the prevalence that is set comes from."""
        if self._share is None:
            return "as in the tested recordings"
        return "as told when the evaluation was asked" if self._share == self._asked else "as set here"

    @property
    def _about(self) -> tuple[str, str]:
        """Evaluation and label that are shown: an answer about others comes too late."""
        return self._job, self._label.label

    def _ask(self) -> None:
        at, about = self.at, self._about
        if not self._job or not self.isVisible() or self._refused:
            return
        if self._scored is None:
            take, refuse = partial(self._take_scored, about), partial(self._refuse, about)
            read = partial(self.workspace.scored, *about)
            self.background.read(read, take, key=f"scores {id(self)}", failed=refuse)
        elif at is not None:
            ask = partial(self.workspace.measures_at, *about, at.curve.thresholds[at.row], self._share)
            self.background.read(ask, partial(self._tell_measures, about, at), key=f"thresholds {id(self)}")

    def _take_scored(self, about: tuple[str, str], scored: ScoredRecords) -> None:
        if about == self._about:
            self._scored = scored
            self.strip.show_scored(scored)
            self._tell()
            self._ask()

    def _refuse(self, about: tuple[str, str], error: Exception) -> None:
        """Scores that are gone are told where they would stand; the curve's counts can still be moved along."""
        if about != self._about:
            return
        self._refused = True
        if isinstance(error, UsageError | WorldError):
            self.strip.tell(f"{error.reason[:1].upper()}{error.reason[1:]}: {error.next_step}.")
        else:
            self.strip.tell("The scores cannot be read.")
            self.background.failed.emit(error)

    def _tell_measures(self, about: tuple[str, str], at: AtThreshold, told: dict[Measure, Estimate]) -> None:
        if about != self._about or at != self.at:
            return
        share = self._share
        there = "" if share is None else f"At a prevalence of {100 * share:.3g} %, taken as exact"
        self._below.setText(f"{there or 'On the tested recordings'}, with intervals clustered by patient:")
        self.measures.show_facts([Fact(NAMES[name], number(told[name])) for name in SHOWN if name in told])

    def _lay_out(self) -> None:
        # Scores rise to the right, in the strip and on the slider; its rows count from the strictest threshold.
        self.slider.setInvertedAppearance(True)
        self.slider.setAccessibleName("Threshold, from lenient to strict")
        self.prevalence.setAccessibleName("Prevalence in percent")
        self.prevalence.setFixedWidth(56)
        self.prevalence.setAlignment(Qt.AlignmentFlag.AlignRight)
        for words, role in (
            (self._told, "warn"),
            (self._below, "muted"),
            (self._whence, "muted"),
            (self.looked_at, "muted"),
        ):
            words.setProperty("role", role)
        for words in (self._told, self._below):
            words.setWordWrap(True)
        line = QHBoxLayout()
        line.addWidget(QLabel("Lenient"))
        line.addWidget(self.slider, 1)
        line.addWidget(QLabel("Strict"))
        choices = WrappedRow("Thresholds to go to")
        choices.show_widgets([self.chosen_button, *self.presets])
        inside, scroll = QWidget(), QScrollArea()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 2, 0)
        column.addLayout(self._shares())
        column.addWidget(self.strip)
        column.addWidget(self.looked_at)
        column.addLayout(line)
        for part in (choices, self.tiles, self._told):
            column.addWidget(part)
        column.addWidget(self._tables(), 1)
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 8, 0, 0)
        whole.addWidget(scroll)

    def _shares(self) -> QHBoxLayout:
        """The threshold, and the prevalence that predictive values are told for."""
        row = QHBoxLayout()
        row.addWidget(self.threshold)
        row.addSpacing(6)
        row.addWidget(QLabel("Prevalence"))
        row.addWidget(self.prevalence)
        row.addWidget(QLabel("%"))
        row.addWidget(self._whence, 1)
        row.addWidget(self.tested_button)
        return row

    def _tables(self) -> QSplitter:
        """Measures with intervals, and beside them the mistakes next to the threshold."""
        left, split = QWidget(), _Tables(Qt.Orientation.Horizontal)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._below)
        column.addWidget(self.measures, 1)
        for part in (left, self.neighbours):
            split.addWidget(part)
        split.setSizes([500, 400])
        split.setMinimumHeight(TABLES_PX)
        split.setChildrenCollapsible(False)
        return split


class _Tables(QSplitter):
    """Takes what is left of the height, not what its tables would like: else the page scrolls where it need not."""

    def sizeHint(self) -> QSize:
        """A few lines high."""
        return QSize(super().sizeHint().width(), TABLES_PX)


def figures(at: AtThreshold) -> list[Figure]:
    """What a threshold means where the label has the prevalence that is set."""
    where = f"at {100 * at.prevalence:.3g} %"
    return [
        Figure("Sensitivity", f"{at.sensitivity:.3f}", "of those with the label"),
        Figure("PPV", "none" if at.ppv is None else f"{at.ppv:.3f}", where),
        Figure("Alerts per 100", f"{100 * at.alerts:.1f}", where),
        Figure("Missed per 1,000", f"{at.missed_per_1000:.1f}", where),
        Figure("Specificity", f"{at.specificity:.3f}", "of the others"),
        Figure("NPV", "none" if at.npv is None else f"{at.npv:.3f}", where),
    ]


def _share(text: str) -> float | None:
    try:
        share = float(text.replace(",", ".")) / 100
    except ValueError:
        return None
    return share if 0 < share < 1 else None
