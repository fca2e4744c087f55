"""What the journeys through the window share: the main window itself, with messages that can be read."""

import pytest

from app.ui.messages import Message, Messages
from app.ui.window import MainWindow
from app.workspace import Workspace


class Heard(Messages):
    """Takes messages down instead of showing them."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Message] = []

    def show(self, message: Message) -> None:
        self.told.append(message)


@pytest.fixture
def ward(tmp_path):
    """The folder of an empty workspace; a journey that begins later than there has a fixture of its own."""
    Workspace.create(tmp_path / "ward").close()
    return tmp_path / "ward"


@pytest.fixture
def window(qtbot, ward):
    """The program's window on the workspace `ward`."""
    shown = MainWindow(Workspace.open(ward), messages=Heard())
    qtbot.addWidget(shown)
    shown.show()
    yield shown
    shown.close()
