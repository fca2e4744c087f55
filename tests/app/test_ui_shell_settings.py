"""What the window remembers."""

import pytest

from app.ui.settings import RECENT_KEPT, Settings, SettingsFile
from engine.contract.errors import WorldError


def test_choices_survive_a_restart(tmp_path):
    file = SettingsFile(tmp_path / "isoline" / "window.json")
    settings = file.load()
    settings.theme = "dark"
    settings.px_per_mm = {"screen": 4.2}
    settings.remember_workspace(tmp_path)
    file.save(settings)
    assert SettingsFile(file.path).load() == settings


def test_nothing_is_remembered_without_a_file():
    SettingsFile().save(Settings(theme="dark"))
    assert SettingsFile().load().theme == "light"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"theme": "pink"}', '{"width": -4}'])
def test_a_damaged_file_is_told_and_not_guessed_at(tmp_path, content):
    path = tmp_path / "window.json"
    path.write_text(content)
    with pytest.raises(WorldError, match="cannot be read"):
        SettingsFile(path).load()


def test_a_field_of_a_later_version_is_left_aside(tmp_path):
    path = tmp_path / "window.json"
    path.write_text('{"theme": "dark", "invented": 1}')
    assert SettingsFile(path).load().theme == "dark"


def test_recent_workspaces_are_few_and_the_latest_comes_first(tmp_path):
    settings = Settings()
    for number in range(12):
        settings.remember_workspace(tmp_path / str(number))
    settings.remember_workspace(tmp_path / "9")
    assert len(settings.recent) == RECENT_KEPT
    assert settings.recent[:2] == [str(tmp_path / "9"), str(tmp_path / "11")]


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "blocked").write_text("a file, not a folder")
    with pytest.raises(WorldError, match="cannot be written"):
        SettingsFile(tmp_path / "blocked" / "window.json").save(Settings())
