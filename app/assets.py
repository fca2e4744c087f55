"""Where shipped files stand: fonts, themes, icons, sample recordings.

In a checkout that is `assets/` beside `app/`; in a wheel the same tree travels as `app/_assets`.
"""

from __future__ import annotations

from pathlib import Path

from engine.contract.errors import WorldError


def asset(*parts: str) -> Path:
    """Path of a shipped file or folder. Raises WorldError when the installation lacks it."""
    here = Path(__file__).resolve().parent
    for root in (here / "_assets", here.parent / "assets"):
        if (root / "fonts").is_dir():
            path = root.joinpath(*parts)
            if path.exists():
                return path
    raise WorldError(f"shipped file {'/'.join(parts)}", "it is missing from this installation", "Install Isoline again")
