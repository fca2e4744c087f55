"""Which class of a vendor's own outputs answers which label: a choice a label, "by its name" unless told otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QGroupBox, QLabel

from app.core.rows import ModelRow
from app.ui.choosers import combo
from app.ui.form_rows import LABEL_WIDTH
from app.ui.quiet_combo import QuietCombo
from engine.contract.answers import answered
from engine.contract.card import Output

BY_NAME = "the class of its own name"
NO_CLASS = "no class has its name: choose one"


def outputs_of(model: ModelRow) -> list[Output]:
    """The outputs of an external model that answer something; none of other models."""
    told = [Output.model_validate(one) for one in model.card.get("outputs") or ()] if model.source == "external" else []
    return [output for output in told if output.judged_as != "none"]


def embeds(model: ModelRow) -> bool:
    """Whether there is something to probe: an external model may give answers alone."""
    return model.source != "external" or any(one["kind"] == "embedding" for one in model.card.get("outputs") or ())


def classes_of(model: ModelRow) -> list[str]:
    """As "output: class"."""
    return [f"{output.name}: {name}" for output in outputs_of(model) for name in output.classes]


def answered_by(model: ModelRow, labels: Sequence[str], classes: Mapping[str, str]) -> tuple[str, ...]:
    """Of some labels, those that the model's own outputs answer, by name or as it was chosen."""
    known = {label: name for label, name in classes.items() if name in classes_of(model)}
    return tuple(answered(outputs_of(model), labels, known))


class OwnClasses(QGroupBox):
    """A line for each label that is ticked."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__("Which class of a vendor's model answers")
        self._grid = QGridLayout(self)
        self._grid.setColumnMinimumWidth(0, LABEL_WIDTH)
        self._grid.setColumnStretch(1, 1)
        self._told: tuple[tuple[str, ...], tuple[ModelRow, ...]] = ((), ())
        self.choices: dict[str, QuietCombo] = {}

    def offer(self, labels: Sequence[str], models: Sequence[ModelRow]) -> None:
        """Show these labels and the classes of these models; what was chosen stays."""
        if self._told == (tuple(labels), tuple(models)):
            return
        self._told, kept = (tuple(labels), tuple(models)), self.value()
        while self._grid.count():
            item = self._grid.takeAt(0)
            if item is not None and (widget := item.widget()) is not None:
                widget.deleteLater()
        self.choices = {}
        for line, label in enumerate(labels):
            self._add(line, label, models, kept.get(label, ""))

    def value(self) -> dict[str, str]:
        """By label, the class that was chosen as "output: class"; labels answered by name are left out."""
        chosen = {label: str(choice.currentData() or "") for label, choice in self.choices.items()}
        return {label: name for label, name in chosen.items() if name}

    def _add(self, line: int, label: str, models: Sequence[ModelRow], chosen: str) -> None:
        choice = combo(f"Class that answers {label}")
        by_name = all(answered_by(model, [label], {}) for model in models)
        choice.addItem(BY_NAME if by_name else NO_CLASS, "")
        for name in dict.fromkeys(name for model in models for name in classes_of(model)):
            choice.addItem(name, name)
        choice.setCurrentIndex(max(choice.findData(chosen), 0))
        choice.currentIndexChanged.connect(self.changed)
        told = QLabel(label)
        told.setBuddy(choice)
        self._grid.addWidget(told, line, 0)
        self._grid.addWidget(choice, line, 1)
        self.choices[label] = choice
