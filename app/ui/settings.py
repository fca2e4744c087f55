"""What the window remembers between starts: theme, recent workspaces, scale of the trace, measured screens.

One small JSON file in the user's own configuration folder. It holds paths of workspaces and nothing about recordings.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from PySide6.QtCore import QStandardPaths

from app.ui.theme import ThemeName
from engine.contract.errors import WorldError
from engine.contract.run import write_whole

RECENT_KEPT = 8


class Settings(BaseModel):
    """Everything that is remembered, with what holds before anything was chosen."""

    model_config = ConfigDict(extra="ignore", validate_assignment=True)

    theme: ThemeName = "light"
    recent: list[str] = Field(default_factory=list)
    layout: str = "3 × 4 + II"
    speed_mm_s: float = 25.0
    gain_mm_mv: float = 10.0
    px_per_mm: dict[str, float] = Field(default_factory=dict, description="Measured pixels per millimetre, by screen.")
    record_columns: list[str] | None = Field(None, description="Columns of the table of recordings, when chosen.")
    record_widths: dict[str, int] = Field(default_factory=dict, description="Their widths in pixels, where changed.")
    width: int = Field(1400, ge=400, le=20_000)
    height: int = Field(900, ge=300, le=20_000)

    def remember_workspace(self, path: Path) -> None:
        """Put a workspace at the top of the recent ones."""
        kept = [entry for entry in self.recent if entry != str(path)]
        self.recent = [str(path), *kept][:RECENT_KEPT]


class SettingsFile:
    """Reads and writes the settings; without a path nothing is kept, as in tests.

    Args:
        path: the file, or None to remember nothing beyond this window.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path

    @classmethod
    def of_user(cls) -> SettingsFile:
        """The file of the user who is logged in."""
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppConfigLocation)
        return cls(Path(folder) / "window.json")

    def load(self) -> Settings:
        """Read the file; what holds before anything was chosen when there is none.

        Raises:
            WorldError: the file is there and cannot be understood.
        """
        if self.path is None or not self.path.exists():
            return Settings()
        try:
            return Settings.model_validate(json.loads(self.path.read_text(encoding="utf-8")))
        except (OSError, ValueError, ValidationError):
            raise WorldError(
                "window settings",
                "the file cannot be read",
                "The window starts with its first settings",
            ) from None

    def save(self, settings: Settings) -> None:
        """Write the file whole.

        Raises:
            WorldError: it cannot be written.
        """
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, settings.model_dump_json(indent=1) + "\n")
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise WorldError("window settings", f"they cannot be written ({reason})", "Check the disk") from None
