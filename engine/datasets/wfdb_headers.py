"""What a corpus says in the comments of its WFDB headers: age, sex, diagnoses. The signals are read elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.contract.errors import WorldError
from engine.datasets.dataset import Sex
from engine.datasets.tables import number, walk

SEXES: dict[str, Sex] = {"m": "male", "male": "male", "f": "female", "female": "female"}


@dataclass(frozen=True)
class Header:
    """First line and comments of a WFDB header.

    Attributes:
        path: of the header, below the corpus' folder, with forward slashes.
        record: stem of the file's name.
        seconds: length; None where the first line does not tell.
        comments: by key in lower case ("age", "sex", "dx").
    """

    path: str
    record: str
    seconds: float | None
    comments: dict[str, str] = field(repr=False)

    @property
    def age(self) -> float | None:
        """Years, where a comment tells."""
        return number(self.comments.get("age", ""))

    @property
    def sex(self) -> Sex:
        """As a comment tells."""
        return SEXES.get(self.comments.get("sex", "").lower(), "unknown")

    @property
    def codes(self) -> tuple[str, ...] | None:
        """Codes of "Dx", in order; None where the header has no such line or it is blank."""
        stated = self.comments.get("dx", "")
        codes = tuple(code.strip() for code in stated.split(",") if code.strip().isdigit())
        return codes or None


def walk_headers(folder: Path) -> Iterator[Header]:
    """All headers below a folder, folders and files by name.

    Raises:
        WorldError: the folder holds none, one cannot be read, or a folder cannot be opened.
    """
    found = False
    for place, names in walk(folder):
        for name in names:
            if name.lower().endswith(".hea"):
                found = True
                yield read_header(place / name, folder)
    if not found:
        raise WorldError(
            "folder of the corpus", "it holds no WFDB headers (.hea)", "Name the folder it was unpacked to"
        )


def read_header(path: Path, folder: Path) -> Header:
    """First line and comments of one header. Raises WorldError when it cannot be read."""
    try:
        lines = path.read_text(encoding="latin-1").splitlines()
    except OSError as error:
        reason = f"a WFDB header cannot be read ({type(error).__name__})"
        raise WorldError("folder of the corpus", reason, "Check the permissions and the disk") from None
    first = next((line.split() for line in lines if line.strip() and not line.startswith("#")), [])
    comments: dict[str, str] = {}
    for line in lines:
        key, colon, value = line.lstrip("# ").partition(":")
        if line.startswith("#") and colon:
            comments.setdefault(key.strip().lower(), value.strip())
    return Header(path.relative_to(folder).as_posix(), path.stem, _seconds(first), comments)


def _seconds(first: list[str]) -> float | None:
    if len(first) < 4:
        return None
    rate, samples = number(first[2].split("/")[0].split("(")[0]), number(first[3])
    return samples / rate if rate and samples else None
