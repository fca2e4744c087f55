"""What is read: a file, or one recording of a file that holds many."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

MARK = "::"
"""Between the path and the member in the text of a source."""


@dataclass(frozen=True, order=True)
class Source:
    """One recording to be read.

    Attributes:
        path: the file.
        member: which recording of it; empty where the file is one recording.
    """

    path: Path
    member: str = ""

    @classmethod
    def parse(cls, text: str | os.PathLike[str] | Source) -> Source:
        """From its text form. A file whose own name holds `::` is taken as that file.

        >>> Source.parse("a/exams.hdf5::102").member
        '102'
        """
        if isinstance(text, Source):
            return text
        if isinstance(text, Path) and MARK not in text.name:
            return cls(text)
        path, mark, member = os.fspath(text).rpartition(MARK)
        if not (mark and path and member) or "/" in member or os.sep in member or Path(text).exists():
            return cls(Path(text))
        return cls(Path(path), member)

    def __str__(self) -> str:
        return f"{self.path}{MARK}{self.member}" if self.member else str(self.path)

    @property
    def name(self) -> str:
        """The stem of the file, with the member: how people call the recording. It may identify a patient.

        What ends in a number has no ending: DICOM files are often called by their UID ("1.2.840.10008.7").
        """
        stem = self.path.name if self.path.suffix[1:].isdigit() else self.path.stem
        return f"{stem}{MARK}{self.member}" if self.member else stem


def is_member_name(text: str) -> bool:
    """Whether a text can name a recording of a file: short, printable, no mark and no folder in it."""
    return 0 < len(text) <= 100 and text.isprintable() and MARK not in text and "/" not in text and "\\" not in text
