"""The main window: actions from one table, pages by flags, the heartbeat, the first screen."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QKeySequence
from PySide6.QtWidgets import QLineEdit

from app.core.changes import Changes
from app.core.rows import JobRow, ProgressRow
from app.ui.actions import ACTIONS, MENUS, action
from app.ui.command_palette import CommandPalette, matches
from app.ui.engine_check import describe
from app.ui.import_dialog import ImportDialog
from app.ui.settings import SettingsFile
from app.ui.status_line import queue_words
from app.ui.window import PAGES, MainWindow
from app.ui.workspace_dialogs import NewWorkspace
from app.workspace import Workspace
from engine.contract.errors import WorldError
from engine.contract.version import CONTRACT_VERSION


class Heard:
    """A message service that opens no box."""

    def __init__(self):
        self.errors, self.shown = [], []

    def error(self, error):
        self.errors.append(error)

    def show(self, message):
        self.shown.append(message)


@pytest.fixture
def window(qtbot, tmp_path):
    made = MainWindow(
        Workspace.create(tmp_path / "ws"), SettingsFile(tmp_path / "config" / "window.json"), messages=Heard()
    )
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()


@pytest.fixture
def empty(qtbot, tmp_path):
    made = MainWindow(None, SettingsFile(tmp_path / "config" / "window.json"), messages=Heard())
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()


def settled(qtbot, window):
    qtbot.waitUntil(lambda: not window.background.busy, timeout=20_000)


def job(state, **rest):
    return JobRow("J0007", "pretrain", "x", state, "", "", "", rest.get("progress", ProgressRow()), "", "")


# The table of actions.


def test_every_action_that_changes_data_names_a_method_of_the_workspace():
    named = {entry.workspace_method for entry in ACTIONS if entry.workspace_method}
    assert all(callable(getattr(Workspace, name)) for name in named)
    assert {
        "import_files",
        "create_cohort",
        "pretrain",
        "evaluate",
        "compare",
        "export_report",
        "stop",
        "resume",
    } <= named


def test_ids_and_shortcuts_are_unique_and_every_action_has_its_sentence():
    ids = [entry.id for entry in ACTIONS]
    shortcuts = [entry.shortcut for entry in ACTIONS if entry.shortcut]
    assert len(set(ids)) == len(ids)
    assert len(set(shortcuts)) == len(shortcuts)
    assert all(not QKeySequence(text).isEmpty() for text in shortcuts)
    assert all(entry.tooltip and entry.menu in MENUS for entry in ACTIONS)
    assert action("records.import").shortcut == "Ctrl+I"


def test_every_page_has_the_methods_that_its_actions_call(window):
    for entry in ACTIONS:
        if entry.menu in PAGES:
            page = window.page(entry.menu)
            names = [cell.cell_contents for cell in entry.run.__closure__ or ()]
            assert any(callable(getattr(page, name, None)) for name in names if name not in PAGES), entry.id


def test_every_action_stands_in_its_menu_and_can_be_found_in_the_palette(window):
    menus = {
        menu.title(): menu.actions() for menu in window.menuBar().findChildren(type(window.menuBar().addMenu("x")))
    }
    for entry in ACTIONS:
        assert window.actions_by_id[entry.id] in menus[entry.menu]
        assert matches(entry.text.split()[0].lower(), f"{entry.menu} {entry.text}")


def test_without_a_workspace_only_what_needs_none_is_enabled(empty):
    enabled = {id for id, one in empty.actions_by_id.items() if one.isEnabled()}
    assert {"workspace.open", "workspace.create", "window.quit", "view.theme", "view.palette"} <= enabled
    assert not any(id.startswith(("records.", "cohorts.", "runs.", "compare.", "dossier.")) for id in enabled)


def test_stop_and_resume_wait_for_a_run_to_be_selected(window):
    assert not window.actions_by_id["runs.stop"].isEnabled()
    assert not window.actions_by_id["records.export"].isEnabled()
    assert window.actions_by_id["records.import"].isEnabled()


# Pages.


def test_every_page_opens_by_rail_and_by_shortcut(window, qtbot):
    for number, title in enumerate(PAGES, start=1):
        qtbot.keyClick(window, getattr(Qt.Key, f"Key_{number}"), Qt.KeyboardModifier.ControlModifier)
        assert window.stack.currentWidget() is window.page(title)
        assert [name for name, button in window.rail.buttons.items() if button.isChecked()] == [title]
    qtbot.mouseClick(window.rail.buttons["Records"], Qt.MouseButton.LeftButton)
    assert window.stack.currentWidget() is window.page("Records")
    settled(qtbot, window)


def test_a_page_hears_only_of_the_flags_it_watches(window, qtbot, monkeypatch):
    heard = []
    page = window.page("Records")
    settled(qtbot, window)
    monkeypatch.setattr(page, "refresh", heard.append)
    window.background.changed.emit(Changes.MODELS)
    assert heard == []
    window.background.changed.emit(Changes.RECORDS | Changes.MODELS)
    assert heard == [Changes.RECORDS]


def test_every_widget_that_takes_the_keyboard_on_the_records_page_has_a_name(window):
    page = window.page("Records")
    nameless = [
        child
        for child in page.findChildren(object)
        if getattr(child, "focusPolicy", None)
        and child.isWidgetType()
        and child.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not (child.accessibleName() or getattr(child, "text", lambda: "")())
        and not child.objectName().startswith("qt_")
        and not isinstance(child.parent(), QLineEdit)
    ]
    assert [type(child).__name__ for child in nameless if type(child).__name__ not in ("QSplitter", "QListView")] == []


# The heartbeat.


def test_the_queue_is_pumped_while_a_workspace_is_open(window, qtbot, monkeypatch):
    beats = []
    monkeypatch.setattr(window.workspace, "pump", lambda: beats.append(1) or Changes.NOTHING, raising=False)
    qtbot.waitUntil(lambda: len(beats) >= 3, timeout=10_000)
    window.close_workspace()
    assert not window._beat.isActive()


def test_a_fault_of_the_heartbeat_is_told_once_until_it_has_worked_again(window, qtbot, monkeypatch):
    window._beat.stop()
    settled(qtbot, window)

    def fail():
        raise WorldError("disk", "it is full", "Free some space")

    monkeypatch.setattr(window.workspace, "pump", fail, raising=False)
    for _ in range(3):
        window.pump()
        settled(qtbot, window)
    assert len(window.messages.shown) == 1
    monkeypatch.setattr(window.workspace, "pump", lambda: Changes.NOTHING, raising=False)
    window.pump()
    settled(qtbot, window)
    monkeypatch.setattr(window.workspace, "pump", fail, raising=False)
    window.pump()
    settled(qtbot, window)
    assert len(window.messages.shown) == 2


def test_the_status_bar_tells_what_the_queue_does():
    assert queue_words([]) == "No run under way"
    running = job("running", progress=ProgressRow(45, 100, "steps", "", 130.0))
    assert queue_words([running, job("queued"), job("queued")]) == "J0007 pretrain 45%, 2 min left · 2 waiting"
    assert queue_words([job("interrupted")]) == "1 interrupted"


def test_the_engines_answer_is_put_in_words():
    told = {"isoline": "0.1", "contract": CONTRACT_VERSION, "torch": "2.13", "devices": []}
    devices = [{"name": "cpu", "description": "2 threads"}, {"name": "cuda:0", "description": "a card"}]
    assert describe({**told, "devices": devices[:1]})[::2] == ("Engine: CPU", True)
    assert describe({**told, "devices": devices})[0] == "Engine: cuda:0"
    assert describe({**told, "contract": CONTRACT_VERSION + 1})[2] is False


@pytest.mark.slow
def test_the_real_engine_answers_the_check(window, qtbot):
    with qtbot.waitSignal(window.engine.told, timeout=60_000) as told:
        window.check_engine()
    assert told.args[0].startswith("Engine: ")
    assert told.args[2] is True


# Theme and settings.


def test_every_button_of_the_toolbar_is_seen_at_any_width(window, qtbot):
    window.show()
    bar = window.toolbar
    buttons = [bar.widgetForAction(one) for one in bar.actions() if one.text()]
    for width in (900, 1000, 1100, 1280, 1600):
        window.resize(width, 600)
        qtbot.waitUntil(lambda width=width: bar.width() == width)
        assert all(button.isVisible() and button.geometry().right() < width for button in buttons)
        worded = [button.toolButtonStyle() is Qt.ToolButtonStyle.ToolButtonTextBesideIcon for button in buttons]
        assert worded[0]
        assert sum(worded) == len(buttons) - 1 or width < 1280


def test_the_theme_is_switched_and_remembered(window, qapp):
    before = window.settings.theme
    window.actions_by_id["view.theme"].trigger()
    assert window.settings.theme != before
    assert qapp.property("isoline_theme") == window.settings.theme
    assert window.settings_file.load().theme == window.settings.theme


def test_damaged_settings_are_told_and_the_window_opens(qtbot, tmp_path):
    file = tmp_path / "window.json"
    file.write_text("{")
    made = MainWindow(None, SettingsFile(file), messages=Heard())
    qtbot.addWidget(made)
    qtbot.waitUntil(lambda: len(made.messages.errors) == 1)
    assert made.settings.theme == "light"
    made.close()


# The first screen.


def test_the_first_screen_opens_a_recent_workspace(empty, qtbot, tmp_path):
    Workspace.create(tmp_path / "old").close()
    empty.settings.remember_workspace(tmp_path / "old")
    empty.settings.remember_workspace(tmp_path / "gone")
    empty.set_workspace(None)
    assert empty.welcome.recent.count() == 1
    empty.welcome.recent_asked.emit(str(tmp_path / "old"))
    qtbot.waitUntil(lambda: empty.workspace is not None, timeout=10_000)
    assert empty.workspace.path == tmp_path / "old"
    assert empty.stack.currentWidget() is empty.page("Records")


def test_a_folder_without_a_workspace_is_refused_in_words(empty, qtbot, tmp_path):
    empty.open_workspace(tmp_path)
    qtbot.waitUntil(lambda: len(empty.messages.errors) == 1, timeout=10_000)
    assert isinstance(empty.messages.errors[0], WorldError)
    assert empty.workspace is None
    assert empty.welcome.open_button.isEnabled()


def test_a_new_workspace_is_made_and_opened(empty, qtbot, tmp_path):
    empty.create_workspace(tmp_path / "fresh")
    qtbot.waitUntil(lambda: empty.workspace is not None, timeout=10_000)
    assert (tmp_path / "fresh" / "workspace.json").is_file()
    assert str(tmp_path / "fresh") in empty.settings.recent


def test_the_dialog_of_a_new_workspace_refuses_names_that_cannot_be(qtbot, tmp_path):
    dialog = NewWorkspace()
    qtbot.addWidget(dialog)
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").write_text("x")
    dialog.place.setText(str(tmp_path))
    for name, good in (("", False), ("a/b", False), ("used", False), ("fresh", True)):
        dialog.name.setText(name)
        assert dialog.make.isEnabled() is good
    dialog.name.setText("fresh")
    with qtbot.waitSignal(dialog.chosen) as told:
        dialog.buttons.accepted.emit()
    assert told.args == [str(tmp_path / "fresh")]


# Palette, dropped files.


def test_the_palette_runs_what_was_typed(window, qtbot):
    window.show_page("Runs")
    palette = CommandPalette(
        [("View", window.actions_by_id["view.records"]), ("Help", window.actions_by_id["help.about"])]
    )
    qtbot.addWidget(palette)
    qtbot.keyClicks(palette.edit, "reco")
    qtbot.keyClick(palette.edit, Qt.Key.Key_Return)
    assert window.stack.currentWidget() is window.page("Records")
    settled(qtbot, window)


def test_the_palette_is_moved_through_with_the_arrows(window, qtbot):
    palette = CommandPalette([(entry.menu, window.actions_by_id[entry.id]) for entry in ACTIONS])
    qtbot.addWidget(palette)
    qtbot.keyClick(palette.edit, Qt.Key.Key_Down)
    qtbot.keyClick(palette.edit, Qt.Key.Key_Down)
    qtbot.keyClick(palette.edit, Qt.Key.Key_Up)
    assert palette.list.currentRow() == 1
    assert palette.list.count() == sum(one.isEnabled() for one in window.actions_by_id.values())


def test_dropped_files_open_the_import_dialog_with_a_csv_as_the_labels(window, qtbot, tmp_path):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / name)) for name in ("ecgs", "labels.csv")])
    event = QDropEvent(
        QPointF(200, 200), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    window.dropEvent(event)
    qtbot.waitUntil(lambda: window.findChild(ImportDialog) is not None)
    dialog = window.findChild(ImportDialog)
    assert [dialog.paths.item(i).text() for i in range(dialog.paths.count())] == [str(tmp_path / "ecgs")]
    assert Path(dialog.labels.text()).name == "labels.csv"
    dialog.reject()


def test_closing_the_window_gives_the_workspace_back(qtbot, tmp_path):
    made = MainWindow(Workspace.create(tmp_path / "ws"), messages=Heard())
    qtbot.addWidget(made)
    made.show()
    made.close()
    assert made.workspace is None
    assert not made.background.busy or made.background._closed


def test_words_have_the_same_size_before_and_after_a_change_of_theme(window):
    parts = (window.menuBar(), window.toolbar, window.statusBar(), window.welcome)
    before = [part.fontInfo().pixelSize() for part in parts]
    window.switch_theme()
    assert [part.fontInfo().pixelSize() for part in parts] == before
    window.switch_theme()
