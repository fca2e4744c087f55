"""Modules of plots: loaded after their page is shown, on the window's own thread, and not for a page that is gone."""

import threading

from PySide6.QtWidgets import QWidget

from app.ui import plots_later


def test_a_module_is_loaded_later_and_on_the_windows_own_thread(qtbot, monkeypatch):
    threads = []

    def load(module):
        threads.append(threading.current_thread())
        return module

    monkeypatch.setattr(plots_later, "import_module", load)
    page, given = QWidget(), []
    qtbot.addWidget(page)
    plots_later.import_later(page, "app.ui.plots", given.append)
    assert given == []
    qtbot.waitUntil(lambda: given == ["app.ui.plots"])
    assert threads == [threading.main_thread()]


def test_a_page_that_is_gone_loads_nothing(qtbot, monkeypatch):
    loaded = []
    monkeypatch.setattr(plots_later, "import_module", loaded.append)
    page = QWidget()
    plots_later.import_later(page, "app.ui.plots", loaded.append)
    page.deleteLater()
    qtbot.wait(3 * plots_later.AFTER_MS)
    assert loaded == []
