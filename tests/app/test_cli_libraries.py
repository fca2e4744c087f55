"""What a bare Linux is told before Qt is imported."""

import pytest

from app.system_libraries import ALWAYS, ON_X11, missing_packages, require_qt_libraries
from engine.contract.errors import WorldError


def test_offscreen_asks_for_no_x11_library():
    missing = missing_packages({"QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":0"}, loads=lambda _: False)
    assert missing == list(ALWAYS.values())


def test_a_display_asks_for_the_xcb_libraries_too():
    missing = missing_packages({"DISPLAY": ":0"}, loads=lambda _: False)
    assert missing == [*ALWAYS.values(), *ON_X11.values()]


def test_only_what_cannot_be_loaded_is_named():
    missing = missing_packages({"DISPLAY": ":0"}, loads=lambda name: name != "libxcb-icccm.so.4")
    assert missing == ["libxcb-icccm4"]


def test_a_missing_library_gives_one_line_to_paste(monkeypatch):
    monkeypatch.setattr("app.system_libraries.sys.platform", "linux")
    monkeypatch.setattr("app.system_libraries._loads", lambda name: name not in ("libEGL.so.1", "libGL.so.1"))
    with pytest.raises(WorldError) as told:
        require_qt_libraries({"QT_QPA_PLATFORM": "offscreen"})
    assert told.value.next_step == "Paste: sudo apt-get install -y libegl1 libgl1"
    assert "2 system libraries" in str(told.value)


def test_no_display_is_told_instead_of_aborting(monkeypatch):
    monkeypatch.setattr("app.system_libraries.sys.platform", "linux")
    monkeypatch.setattr("app.system_libraries._loads", lambda name: True)
    with pytest.raises(WorldError, match="there is no display"):
        require_qt_libraries({})


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_other_systems_are_not_asked(monkeypatch, platform):
    monkeypatch.setattr("app.system_libraries.sys.platform", platform)
    monkeypatch.setattr("app.system_libraries._loads", lambda name: pytest.fail("asked the loader"))
    require_qt_libraries({})
