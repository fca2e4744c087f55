"""Which system libraries Qt will miss on a bare Linux, told before Qt is imported.

Qt's own message names one library at a time, and often the wrong one (it blames libxcb-cursor0 for any missing xcb
library); without a display it aborts the interpreter.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Mapping

from engine.contract.errors import WorldError

ALWAYS = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libbrotlidec.so.1": "libbrotli1",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
}
"""Shared library -> Debian package: needed to import PySide6.QtGui at all."""

ON_X11 = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
}
"""Needed besides to open a window on an X11 display."""


def require_qt_libraries(environment: Mapping[str, str] | None = None) -> None:
    """Look for what Qt needs on Linux; does nothing elsewhere.

    Raises:
        WorldError: with one line to paste that installs what is missing, or how to do without a display.
    """
    if not sys.platform.startswith("linux"):
        return
    settings = os.environ if environment is None else environment
    missing = missing_packages(settings)
    if missing:
        raise WorldError(
            "window",
            f"Qt needs {len(missing)} system {'library' if len(missing) == 1 else 'libraries'} that this machine lacks",
            f"Paste: sudo apt-get install -y {' '.join(missing)}",
        )
    if not any(settings.get(name) for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")):
        raise WorldError(
            "window",
            "there is no display (DISPLAY and WAYLAND_DISPLAY are not set)",
            "Open it on a desktop, or use the verbs of the command line: isoline --help",
        )


def missing_packages(environment: Mapping[str, str], loads: Callable[[str], bool] | None = None) -> list[str]:
    """Debian packages of the libraries that cannot be loaded.

    Args:
        environment: variables that decide whether X11 is used.
        loads: whether a shared library can be loaded; asks the system's loader unless replaced.
    """
    can_load = loads or _loads
    platform = environment.get("QT_QPA_PLATFORM", "")
    on_x11 = platform.startswith("xcb") or (not platform and bool(environment.get("DISPLAY")))
    wanted = {**ALWAYS, **ON_X11} if on_x11 else ALWAYS
    return [package for library, package in wanted.items() if not can_load(library)]


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
