"""The threshold workbench: a slider over thresholds, and what each finds, misses and costs, live.

Moving tells counts at once; the intervals, clustered by patient, come when the slider rests.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QSlider, QVBoxLayout, QWidget

from app.ui.background import Background
from app.ui.evaluation_facts import number
from app.ui.evaluation_tables import FactTable
from app.ui.interval_table import MINUS
from app.ui.run_facts import Fact
from app.ui.tiles import Figure, Tiles
from engine.contract.estimate import Estimate
from engine.contract.evaluation import LabelResult
from engine.contract.operating import NAMES, Measure, ThresholdCurve

if TYPE_CHECKING:
    from app.workspace import Workspace

REST_MS = 250
OPTIMISTIC = (
    "A threshold that is picked here, on the tested recordings, looks better than it will be. "
    "Take the one that was chosen on training patients, or test what you pick on other recordings."
)
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

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__()
        self.workspace, self.background = workspace, background
        self.slider, self.prevalence = QSlider(Qt.Orientation.Horizontal), QLineEdit()
        self.threshold, self.tiles = QLabel(), Tiles("What the threshold means")
        self.measures = FactTable("Measures at the threshold with intervals")
        self.chosen_button = QPushButton("As chosen on training patients")
        self.presets = [QPushButton(text) for text, *_ in PRESETS]
        self._told = QLabel()
        self._job, self._label = "", LabelResult(label="", auroc=Estimate())
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._lay_out()
        self.slider.valueChanged.connect(self._moved)
        self.prevalence.textEdited.connect(lambda _text: self._tell())
        self.chosen_button.clicked.connect(self._choose_own)
        for made, (_, kind, least) in zip(self.presets, PRESETS, strict=True):
            made.clicked.connect(partial(self._choose_least, kind, least))
        self._rest.timeout.connect(self._ask)

    @property
    def at(self) -> AtThreshold | None:
        """Where the slider stands; None without a curve or with a prevalence that is none."""
        curve, share = self._label.curve, _share(self.prevalence.text())
        if curve is None or not curve.thresholds or share is None:
            return None
        return AtThreshold(curve, min(self.slider.value(), len(curve.thresholds) - 1), share)

    def show_label(self, job_id: str, label: LabelResult | None) -> None:
        """Take over a label of an evaluation; the slider starts at the threshold chosen on training patients."""
        if label is None or label.curve is None or not label.curve.thresholds:
            self._job, self._label = "", LabelResult(label="", auroc=Estimate())
            self.setEnabled(False)
            self._told.setText("This evaluation keeps no thresholds of this label.")
            self.tiles.show_figures([])
            self.measures.show_facts([])
            return
        self.setEnabled(True)
        self._job, self._label, curve = job_id, label, label.curve
        self.slider.setRange(0, len(curve.thresholds) - 1)
        share = curve.positives / max(curve.positives + curve.negatives, 1)
        self.prevalence.setText(f"{100 * share:.3g}")
        self.chosen_button.setEnabled(bool(self._own()))
        self._choose_own()
        self._tell()
        self._rest.start()

    def showEvent(self, event: QShowEvent) -> None:
        """Intervals are asked for once somebody looks."""
        super().showEvent(event)
        self._rest.start()

    def _own(self) -> list[float]:
        """Thresholds that were chosen on training patients, one or each fold's own."""
        point = self._label.operating
        if point is None or point.not_estimable:
            return []
        return [point.threshold] if point.threshold is not None else point.thresholds

    def _choose_own(self) -> None:
        own, curve = self._own(), self._label.curve
        if own and curve is not None:
            middle = sorted(own)[len(own) // 2]
            distance = [abs(threshold - middle) for threshold in curve.thresholds]
            self.slider.setValue(distance.index(min(distance)))

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
        if at is None:
            wrong = bool(self._label.label)
            self.threshold.setText("The prevalence must be more than 0 % and less than 100 %." if wrong else "")
            self.tiles.show_figures([])
            return
        self.threshold.setText(f"Positive from a score of {at.curve.thresholds[at.row]:.4g}".replace("-", MINUS))
        self.tiles.show_figures(figures(at))
        own = ", ".join(f"{value:.4g}" for value in self._own()).replace("-", MINUS)
        self._told.setText(f"{OPTIMISTIC} {f'Chosen on training patients: {own}.' if own else ''}".rstrip())

    def _ask(self) -> None:
        at = self.at
        if at is not None and self._job and self.isVisible():
            threshold = at.curve.thresholds[at.row]
            ask = partial(self.workspace.measures_at, self._job, self._label.label, threshold)
            self.background.read(ask, self._tell_measures, key=f"thresholds {id(self)}")

    def _tell_measures(self, told: dict[Measure, Estimate]) -> None:
        self.measures.show_facts([Fact(NAMES[name], number(told[name])) for name in SHOWN if name in told])

    def _lay_out(self) -> None:
        self.slider.setAccessibleName("Threshold, from strict to lenient")
        self.prevalence.setAccessibleName("Prevalence in percent")
        self.prevalence.setFixedWidth(80)
        self.prevalence.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._told.setProperty("role", "warn")
        self._told.setWordWrap(True)
        line = QHBoxLayout()
        line.addWidget(QLabel("Strict"))
        line.addWidget(self.slider, 1)
        line.addWidget(QLabel("Lenient"))
        choices = QHBoxLayout()
        for made in (self.chosen_button, *self.presets):
            choices.addWidget(made)
        choices.addStretch(1)
        share = QHBoxLayout()
        share.addWidget(self.threshold, 1)
        share.addWidget(QLabel("Where the label has a prevalence of"))
        share.addWidget(self.prevalence)
        share.addWidget(QLabel("%"))
        below = QLabel("On the tested recordings, with intervals clustered by patient:")
        below.setProperty("role", "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        for row in (share, line, choices):
            column.addLayout(row)
        for part in (self.tiles, self._told, below):
            column.addWidget(part)
        column.addWidget(self.measures, 1)


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
