"""The files of an external model as they are handed over: of which format, which belong together, which are refused.

The format is told by content: suffixes lie. Nothing is unpickled, loaded or run here.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import rfc8785

from app.core.digests import sha256_of
from app.core.onnx_outline import NoOnnx, outline
from engine.contract.card import FORMATS, ModelFormat
from engine.contract.errors import UsageError, WorldError
from engine.contract.onnx_operators import custom

ENTRIES: dict[ModelFormat, str] = {
    "onnx": "model.onnx",
    "torchscript": "model.pt",
    "pt2": "model.pt2",
    "safetensors": "weights.safetensors",
}
"""What the file that is loaded is called in the workspace, whatever it was called before: names are no content."""

MOST_FILES = 10_000
"""In the folder of a command: more is a folder that was named by mistake."""

_MOST_HEADER = 100_000_000
_MOST_NAMED = 300
_LEGACY_PICKLE = tuple(bytes([0x80, version]) for version in range(2, 6))
_CONVERT = "Convert it once, in the sandbox: isoline-engine convert-checkpoint IN OUT; then add what it wrote"
_KNOWN = (
    "Known are ONNX, TorchScript, torch.export .pt2, safetensors; a .csv with the columns record, label, score; and a "
    "checkpoint folder with weights.safetensors and card.json"
)


@dataclass(frozen=True)
class ModelFiles:
    """What belongs to a model.

    Attributes:
        format: told by content.
        entry: name of the file that is loaded; empty for a command.
        sources: where each file stands now, by its name in the model's folder.
        files: sha256 of each, by the same names.
        sha256: of the one file, or over names and hashes of all.
    """

    format: ModelFormat
    entry: str
    sources: dict[str, Path]
    files: dict[str, str]
    sha256: str


def format_of(path: Path) -> ModelFormat:
    """The format of a model's file, by its content.

    Raises:
        WorldError: it cannot be read, is a pickled checkpoint, or is nothing that is known.
    """
    if not path.is_file():  # a pipe would be waited for
        raise WorldError("model file", "there is no such file", "Check the path")
    try:
        with path.open("rb") as file:
            start = file.read(16)
        size = path.stat().st_size
    except OSError as error:
        reason = f"it cannot be read ({error.strerror or type(error).__name__})"
        raise WorldError("model file", reason, "Check the path and your rights") from None
    if start[:2] in _LEGACY_PICKLE:
        raise _pickled()
    if start[:4] == b"PK\x03\x04":
        return _format_of_archive(path)
    if _is_safetensors(path, start, size):
        return "safetensors"
    try:
        outline(path)
    except NoOnnx:
        raise WorldError("model file", "by its content it is of no known format", _KNOWN) from None
    return "onnx"


def of_file(path: Path) -> ModelFiles:
    """A model in one file, with the files that it points at.

    Raises:
        WorldError: as `format_of`; it has operators of its maker's; or a file that it points at is missing, or lies
            outside of its folder.
    """
    found = format_of(path)
    entry = ENTRIES[found]
    sources = {entry: path}
    if found == "onnx":
        sources |= _pointed_at(path, entry)
    files = _hashed(sources)
    only = files[entry] if len(files) == 1 else sha256_of_files(files)
    return ModelFiles(found, entry, sources, files, only)


def of_command(folder: Path, command: tuple[str, ...]) -> ModelFiles:
    """A program of the vendor's with all that stands in its folder.

    Raises:
        WorldError: no folder, an empty one, or one with links or other things that are no plain files.
    """
    if not folder.is_dir():
        raise WorldError("model", "a command needs the folder that its program stands in", "Name the folder")
    sources = dict(sorted(_plain_files(folder)))
    if not sources:
        raise WorldError("model", "the folder of its command is empty", "Name the folder that its program stands in")
    files = _hashed(sources)
    return ModelFiles("command", "", sources, files, sha256_of_files(files, command))


def sha256_of_files(files: dict[str, str], command: tuple[str, ...] = ()) -> str:
    """Hash of a model of several files: of their names and hashes, and of its command, as canonical JSON."""
    told: dict[str, object] = {"files": files} | ({"command": list(command)} if command else {})
    return hashlib.sha256(rfc8785.dumps(told)).hexdigest()  # type: ignore[arg-type]


def sha256_of_address(address: str) -> str:
    """Stands for a service, which has no files here: what answers at its address may change without it."""
    return hashlib.sha256(address.encode()).hexdigest()


def refuse_other_format(found: ModelFormat, told: ModelFormat | None) -> None:
    """A card that tells another format than the file has. Raises UsageError."""
    if told not in (None, found):
        reason = f"its card says {FORMATS[told]}, and by its content it is: {FORMATS[found]}"
        raise UsageError("model card", reason, "Correct its field 'format', or leave it out")


def _format_of_archive(path: Path) -> ModelFormat:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.partition("/")[2] or name for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile, ValueError):
        raise WorldError("model file", "it is a damaged archive", "Take an undamaged copy") from None
    if "models/model.json" in names or "serialized_exported_program.json" in names or "archive_format" in names:
        return "pt2"
    if "constants.pkl" in names and any(name.startswith("code/") for name in names):
        return "torchscript"
    if "data.pkl" in names:
        raise _pickled()
    raise WorldError("model file", "it is an archive of no known kind", _KNOWN)


def _pickled() -> WorldError:
    reason = "it is a pickled checkpoint: loading it would run whatever was put into it"
    return WorldError("model file", reason, _CONVERT, fault="pickled_checkpoint")


def _is_safetensors(path: Path, start: bytes, size: int) -> bool:
    length = int.from_bytes(start[:8], "little")
    if len(start) < 10 or start[8:9] != b"{" or not 2 <= length <= min(size - 8, _MOST_HEADER):
        return False
    with path.open("rb") as file:
        file.seek(8)
        try:
            return isinstance(json.loads(file.read(length)), dict)
        except (ValueError, RecursionError):
            return False


def _pointed_at(path: Path, entry: str) -> dict[str, Path]:
    """Files beside an ONNX graph that hold its weights, by the names that the graph has for them."""
    folder = path.resolve().parent
    found: dict[str, Path] = {}
    told = outline(path)
    if foreign := custom(told.operators, told.functions):
        listed = "".join(sign if sign.isprintable() else "?" for sign in ", ".join(foreign)[:_MOST_NAMED])
        reason = f"it uses operators that are code of its maker's, which is refused ({listed})"
        step = "Ask its maker for a graph of standard operators, or for a program to be registered as a command"
        raise WorldError("model file", reason, step, fault="model_custom_operators")
    for location in told.locations:
        name = PurePosixPath(location)
        # Windows reads a backslash as a folder's end and a colon as a drive's.
        strange = not location or "\\" in location or ":" in location or name.is_absolute() or ".." in name.parts
        if strange or str(name) == entry or not (folder / name).resolve().is_relative_to(folder):
            reason = "it points at weights outside of its folder"
            raise WorldError("model file", reason, "Ask its maker for one that does not", fault="outside_file")
        if not (folder / name).is_file():
            reason = f"the file '{name.name}' with its weights does not stand beside it"
            raise WorldError("model file", reason, "Put both into one folder")
        found[str(name)] = folder / name
    return found


def _plain_files(folder: Path) -> list[tuple[str, Path]]:
    found: list[tuple[str, Path]] = []
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(place) / name
            mode = path.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                reason = "the folder of its command holds a link or something else that is no plain file"
                raise WorldError("model", reason, "Copy what it needs into the folder as plain files")
        found += [
            (str(PurePosixPath((Path(place) / name).relative_to(folder).as_posix())), Path(place) / name)
            for name in names
        ]
        if len(found) > MOST_FILES:
            reason = f"the folder of its command holds more than {MOST_FILES:,} files"
            raise WorldError("model", reason, "Name the folder of the program alone")
    return found


def _hashed(sources: dict[str, Path]) -> dict[str, str]:
    try:
        return {name: sha256_of(source) for name, source in sources.items()}
    except OSError as error:
        reason = f"a file of it cannot be read ({error.strerror or type(error).__name__})"
        raise WorldError("model", reason, "Check your rights, or take an undamaged copy") from None
