"""Design tokens from `assets/themes` turned into a palette, a small style sheet and colours for painters.

Tokens are the only place where a colour is written down; widgets, plots and the ECG painter ask `current()`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Literal

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from app.assets import asset

ThemeName = Literal["light", "dark"]
FONT_FAMILY, MONO_FAMILY = "Noto Sans", "Noto Sans Mono"
FIELDS = ("QLineEdit", "QAbstractSpinBox", "QPlainTextEdit", "QCheckBox")
"""Classes whose frame tells where to type or to tick."""
LISTS = ("QAbstractItemView",)
BUTTONS = ("QPushButton", "QComboBox", "QTabBar")
"""Classes with a face of their own, which needs no frame; only a ring while they have the focus."""
FRAME_SHARE = 0.78
"""Of the muted colour in the frame of a field: three to one against what is around it, in both themes."""
FONT_FILES = ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf", "NotoSans-Italic.ttf", "NotoSansMono-Regular.ttf")


@dataclass(frozen=True)
class Theme:
    """Colours by role, as `#RRGGBB`; `series` for curves, `ramp` from low to high for heat maps."""

    name: ThemeName
    dark: bool
    window: str
    panel: str
    raised: str
    border: str
    text: str
    muted: str
    accent: str
    accent_text: str
    selection: str
    rail: str
    rail_text: str
    rail_selection: str
    accent_bright: str
    good: str
    warn: str
    bad: str
    paper: str
    grid_fine: str
    grid_bold: str
    trace: str
    series: tuple[str, ...]
    ramp: tuple[str, ...]

    def apply(self, app: QApplication) -> None:
        """Dress the whole application: Fusion style, palette, font and style sheet."""
        sheet = style_sheet(self)
        if app.property("isoline_theme") == self.name and app.styleSheet() == sheet:
            return  # every widget would be dressed anew, in the same clothes
        load_fonts()
        font = QFont(FONT_FAMILY, 10)
        # Each of these visits every widget, so what is in place already stays.
        if app.property("isoline_theme") is None:
            app.setStyle("Fusion")
        if app.font() != font:
            app.setFont(font)
        app.setPalette(self.palette())
        for kinds, palette in (
            (BUTTONS, self.focus_palette()),
            (FIELDS, self.field_palette()),
            (LISTS, self.list_palette()),
        ):
            for kind in kinds:
                app.setPalette(palette, kind)  # type: ignore[arg-type]  # the call takes no bytes, whatever its type says
        app.setStyleSheet(sheet)
        app.setProperty("isoline_theme", self.name)

    def palette(self) -> QPalette:
        """The Fusion palette of this theme, disabled state included."""
        palette = QPalette()
        for role, token in _ROLES.items():
            palette.setColor(role, QColor(getattr(self, token)))
        for role in (QPalette.ColorRole.Text, QPalette.ColorRole.WindowText, QPalette.ColorRole.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, role, self.mix(self.muted, self.panel, 0.6))
        return palette

    def focus_palette(self) -> QPalette:
        """That of what can have the focus: Fusion draws its ring in the colour of a selection, which is too faint."""
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Highlight, QColor(self.accent))
        palette.setColor(QPalette.ColorRole.HighlightedText, QColor(self.accent_text))
        return palette

    def field_palette(self) -> QPalette:
        """That of fields to type in and to tick, with a frame that is seen and the ring of the focus."""
        return self._framed(self.focus_palette())

    def list_palette(self) -> QPalette:
        """That of lists and tables: the frame of a field, and the selection of the theme."""
        return self._framed(self.palette())

    def _framed(self, palette: QPalette) -> QPalette:
        # Fusion frames a field in its palette's window colour, darkened by 140 %: on a dark window none would be seen.
        # Nothing else of a field is drawn in that colour.
        palette.setColor(QPalette.ColorRole.Window, self.mix(self.muted, self.panel, FRAME_SHARE).lighter(140))
        return palette

    def mix(self, over: str, under: str, share: float) -> QColor:
        """The colour `over` laid on `under` with this share of opacity, 0 to 1."""
        a, b = QColor(over), QColor(under)
        return QColor(
            round(a.red() * share + b.red() * (1 - share)),
            round(a.green() * share + b.green() * (1 - share)),
            round(a.blue() * share + b.blue() * (1 - share)),
        )


_ROLES = {
    QPalette.ColorRole.Window: "window",
    QPalette.ColorRole.WindowText: "text",
    QPalette.ColorRole.Base: "panel",
    QPalette.ColorRole.AlternateBase: "raised",
    QPalette.ColorRole.Text: "text",
    QPalette.ColorRole.PlaceholderText: "muted",
    QPalette.ColorRole.Button: "raised",
    QPalette.ColorRole.ButtonText: "text",
    QPalette.ColorRole.Highlight: "selection",
    QPalette.ColorRole.HighlightedText: "text",
    QPalette.ColorRole.Link: "accent",
    QPalette.ColorRole.ToolTipBase: "panel",
    QPalette.ColorRole.ToolTipText: "text",
    QPalette.ColorRole.BrightText: "bad",
    QPalette.ColorRole.Mid: "border",
    QPalette.ColorRole.Accent: "accent",
}


@cache
def load_theme(name: ThemeName) -> Theme:
    """Read the tokens of one theme from the shipped assets."""
    tokens = json.loads(asset("themes", f"{name}.json").read_text(encoding="utf-8"))
    tokens["series"], tokens["ramp"] = tuple(tokens["series"]), tuple(tokens["ramp"])
    return Theme(**tokens)


def current() -> Theme:
    """The theme that the application wears now; light before any was applied."""
    app = QApplication.instance()
    return load_theme("dark" if app is not None and app.property("isoline_theme") == "dark" else "light")


def load_fonts() -> None:
    """Register the shipped fonts: on a host without fonts every glyph would be a box and nothing would warn."""
    present = set(QFontDatabase.families())
    if not {FONT_FAMILY, MONO_FAMILY} <= present:
        for file in FONT_FILES:
            QFontDatabase.addApplicationFont(str(asset("fonts", file)))


def style_sheet(theme: Theme) -> str:
    """The few rules that a palette cannot say."""
    return _SHEET.format(**{key: value for key, value in vars(theme).items() if isinstance(value, str)})


_SHEET = """
QToolTip {{ color: {text}; background: {panel}; border: 1px solid {border}; padding: 4px; }}
QLabel[role="title"] {{ font-size: 15pt; font-weight: 600; }}
QLabel[role="heading"] {{ font-weight: 600; }}
QLabel[role="figure"] {{ font-size: 13pt; font-weight: 600; }}
QLabel[role="muted"] {{ color: {muted}; }}
QLabel[role="good"] {{ color: {good}; }}
QLabel[role="warn"] {{ color: {warn}; }}
QLabel[role="bad"] {{ color: {bad}; }}
QFrame[role="panel"] {{ background: {panel}; border: 1px solid {border}; border-radius: 4px; }}
QFrame[role="panel"][dragged="true"] {{ border-color: {accent}; background: {selection}; }}
QFrame[role="popover"] {{ background: {panel}; border: 1px solid {muted}; }}
QFrame[role="banner-bad"] {{ background: {panel}; border: 1px solid {bad}; border-left: 4px solid {bad}; }}
QFrame[role="banner-warn"] {{ background: {panel}; border: 1px solid {warn}; border-left: 4px solid {warn}; }}
QToolButton[role="toggle"] {{
    color: {text}; background: {raised}; border: 1px solid {border}; border-radius: 3px; padding: 2px 6px;
}}
QToolButton[role="toggle"]:hover {{ border-color: {muted}; }}
QToolButton[role="toggle"]:checked {{
    background: {accent}; color: {accent_text}; border-color: {accent}; font-weight: 600;
}}
QToolButton[role="toggle"]:focus {{ border-color: {text}; }}
QToolButton[role="chip"], QToolButton[role="badge"] {{
    color: {text}; background: {raised}; border: 1px solid {border}; border-radius: 9px; padding: 1px 1px 1px 6px;
}}
QToolButton[role="chip"] {{ background: {selection}; border-color: {selection}; padding: 1px 0 1px 4px; }}
QToolButton[role="chip"]:hover, QToolButton[role="badge"]:hover {{ border-color: {muted}; }}
QToolButton[role="chip"]:focus, QToolButton[role="badge"]:focus {{ border-color: {text}; }}
QToolButton[role="link"] {{
    color: {accent}; background: transparent; border: 1px solid transparent; padding: 1px 4px;
}}
QToolButton[role="link"]:hover, QToolButton[role="link"]:focus {{ border-color: {accent}; border-radius: 3px; }}
QPushButton[role="primary"] {{
    background: {accent}; color: {accent_text}; border: 1px solid {accent}; border-radius: 3px; padding: 5px 14px;
}}
QPushButton[role="primary"]:disabled {{ background: {border}; color: {muted}; border-color: {border}; }}
QPushButton[role="primary"]:focus {{ border: 2px solid {text}; padding: 4px 13px; }}
QCheckBox::indicator:unchecked:enabled, QGroupBox::indicator:unchecked:enabled,
QAbstractItemView::indicator:unchecked:enabled {{
    border: 1px solid {muted}; border-radius: 2px; background: {panel};
}}
QLineEdit[wrong="true"] {{ border: 1px solid {bad}; border-radius: 2px; padding: 3px; }}
QWidget#rail {{ background: {rail}; }}
QWidget#rail QToolButton {{
    color: {rail_text}; background: transparent; padding: 6px 3px 6px 0;
    border: none; border-left: 3px solid transparent;
}}
QWidget#rail QToolButton:hover {{ background: {rail_selection}; }}
QWidget#rail QToolButton:checked {{ background: {rail_selection}; border-left-color: {accent_bright}; }}
QWidget#rail QToolButton:focus {{ border-left-color: {rail_text}; }}
QToolBar {{ border: none; border-bottom: 1px solid {border}; spacing: 4px; padding: 3px 6px; }}
QStatusBar {{ border-top: 1px solid {border}; }}
QStatusBar::item {{ border: none; }}
QTableView {{ border: 1px solid {border}; outline: 0; }}
QTableView::item {{ padding: 0 6px; }}
QTableView::item:selected {{ background: {selection}; color: {text}; }}
QHeaderView::section:horizontal {{
    background: {raised}; color: {muted}; border: none; border-bottom: 1px solid {border}; padding: 5px 9px 5px 9px;
}}
QSplitter::handle {{ background: transparent; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
"""
