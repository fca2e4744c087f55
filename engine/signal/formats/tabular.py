"""What the readers of tables and arrays share: what they look at, and how they know that a file is still the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from engine.contract.mapping import SignalTable
from engine.signal.assemble import About, refusal
from engine.signal.formats import arrays
from engine.signal.formats.table import Told, table_recording
from engine.signal.recording import Recording
from engine.signal.sources import Source


@dataclass(frozen=True, eq=False)
class Looked:
    """The numbers of one recording [K, T] as the file has them, and what the file says of them."""

    values_KT: NDArray[Any] = field(repr=False)
    told: Told


class TableReader(Protocol):
    """What a module of `engine.signal.formats` offers whose files need a mapping or hold many recordings."""

    NAME: str

    def sniff(self, head: bytes, path: Path) -> bool:
        """Whether a file that begins with `head` is of this format."""

    def members(self, path: Path, mapping: SignalTable) -> tuple[str, ...]:
        """Names of its recordings where it holds many, else nothing. Raises WorldError."""

    def look(self, source: Source, mapping: SignalTable) -> Looked:
        """The numbers of one recording. Raises WorldError."""

    def read(self, source: Source, digest: bool, mapping: SignalTable) -> Recording:
        """Read one recording. Raises WorldError."""


def looked_recording(
    looked: Looked, name: str, reader: str, source: Source, mapping: SignalTable, digest: bool
) -> Recording:
    """The recording in numbers that were looked at, where the file says nothing of a person.

    Args:
        looked: numbers and what is told of them.
        name: of the format.
        reader: who read it.
        source: the file, or the recording of it.
        mapping: what the file does not say itself.
        digest: whether to hash the numbers.

    Raises:
        WorldError: leads, unit or rate are told by nobody, or the samples cannot be an ECG.
    """
    about = About(
        format=name,
        reader=reader,
        source_name=source.name,
        file_sha256=arrays.digest_of(looked.values_KT, digest),
    )
    return table_recording(looked.values_KT, looked.told, mapping, about)


def stamp(path: Path) -> tuple[Path, int]:
    """The file and its state, by which what was found in it is kept. Raises WorldError when it cannot be seen."""
    try:
        told = path.stat()
    except FileNotFoundError:
        raise refusal("there is no such file", "Check the path") from None
    except OSError as error:
        raise refusal(f"it cannot be opened ({type(error).__name__})", "Check the permissions and the disk") from None
    return path, hash((told.st_mtime_ns, told.st_size, told.st_ino))
