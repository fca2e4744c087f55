"""The tasks of a public corpus, each with a tick: whose labels are taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.core.words import counted
from app.ui.label_words import role_label

if TYPE_CHECKING:
    from app.core.corpus_check import TaskCheck
    from engine.datasets.tasks import Task

NAME = Qt.ItemDataRole.UserRole
ROWS_SHOWN = 6
NO_TASKS = "It has no task: its recordings come in without labels, for pretraining."


class CorpusTasks(QWidget):
    """A list of ticks; all are ticked at first."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.words, self.list = role_label("muted"), QListWidget()
        self.list.setAccessibleName("Tasks whose labels are taken")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.itemChanged.connect(lambda _item: self.changed.emit())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.words)
        column.addWidget(self.list, 1)

    def show_tasks(self, tasks: Sequence[Task]) -> None:
        """Offer the tasks as they are published; the ticks stay where the tasks are the same."""
        texts = {task.name: f"{task.title}: {_published(task.outputs)}, {task.kind}" for task in tasks}
        self._offer(texts)
        self.words.setText("Labels of these tasks are taken" if tasks else NO_TASKS)
        self.list.setVisible(bool(tasks))

    def show_check(self, tasks: Sequence[TaskCheck]) -> None:
        """Tell what the folder holds for each."""
        self._offer(
            {
                task.name: f"{task.title}: {counted(task.labels, 'label')}, known for "
                f"{counted(task.recordings, 'recording')}"
                for task in tasks
            }
        )

    def chosen(self) -> tuple[str, ...]:
        """Names of the ticked tasks."""
        return tuple(str(item.data(NAME)) for item in self._items() if item.checkState() is Qt.CheckState.Checked)

    def is_ready(self) -> bool:
        """Whether one is ticked, or there is none."""
        return bool(self.chosen()) or not self.list.count()

    def _items(self) -> list[QListWidgetItem]:
        return [self.list.item(line) for line in range(self.list.count())]

    def _offer(self, texts: dict[str, str]) -> None:
        with QSignalBlocker(self.list):
            if [item.data(NAME) for item in self._items()] != list(texts):
                self.list.clear()
                for name in texts:
                    item = QListWidgetItem()
                    item.setData(NAME, name)
                    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                    item.setCheckState(Qt.CheckState.Checked)
                    self.list.addItem(item)
            for item, (name, text) in zip(self._items(), texts.items(), strict=True):
                item.setText(text)
                item.setToolTip(f"{text}\n{name}")
        row = max(self.list.sizeHintForRow(0), 18)
        self.list.setFixedHeight(row * min(max(len(texts), 1), ROWS_SHOWN) + 6)


def _published(outputs: int | None) -> str:
    return "labels not counted" if outputs is None else f"{outputs:,} labels in the study"
