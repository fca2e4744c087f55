"""`isoline` without a verb, and `isoline gui`: which workspace opens, and what is told when the window cannot."""

import sys
import types

import pytest

from app import cli


@pytest.fixture
def window(monkeypatch):
    """A window that notes what it was asked to open."""
    asked = []
    module = types.ModuleType("app.ui.main")
    module.run = lambda path: asked.append(path) or 0
    monkeypatch.setitem(sys.modules, "app.ui.main", module)
    monkeypatch.setattr("app.system_libraries.require_qt_libraries", lambda: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.delenv("ISOLINE_WORKSPACE", raising=False)
    return asked


def test_no_verb_opens_the_window_without_a_workspace(window, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert cli.main([]) == 0
    assert window == [None]


def test_gui_opens_the_named_workspace(window, tmp_path):
    assert cli.main(["gui", str(tmp_path)]) == 0
    assert window == [tmp_path]


def test_no_verb_inside_a_workspace_opens_it(window, monkeypatch, tmp_path):
    (tmp_path / "workspace.json").touch()
    monkeypatch.chdir(tmp_path)
    cli.main([])
    assert window == [tmp_path]


def test_the_window_ends_with_its_own_exit_code(window, monkeypatch):
    sys.modules["app.ui.main"].run = lambda path: 3
    assert cli.main(["gui"]) == 3


def test_without_pyside_the_command_to_install_it_is_told(window, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "PySide6" else object())
    assert cli.main(["gui"]) == 1
    assert 'pip install "isoline[gui]"' in capsys.readouterr().err
    assert window == []
