"""Models of somebody else's, registered: what their card and files must hold before anything of them is run.

Files go first, the row second, as with every model. Nothing of a file is loaded or run here: that is the sandbox's.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from app.core import audit, external_rows, models
from app.core.card_files import faults_of, with_assumptions
from app.core.digests import sha256_of
from app.core.home import Home
from app.core.loopback import loopback_address
from app.core.model_files import (
    ModelFiles,
    of_command,
    of_file,
    refuse_other_format,
    sha256_of_address,
    sha256_of_files,
)
from app.core.rows import ModelRow
from engine.contract.card import UNKNOWN, ModelCard
from engine.contract.errors import UsageError, WorldError
from engine.contract.model_source import ExternalModel

SERVICE_NOTE = "A service on this machine, not isolated: what answers at its address may change without a trace here"


def add(
    home: Home,
    path: Path | None,
    card: ModelCard,
    name: str | None = None,
    address: str = "",
    command: Sequence[str] = (),
) -> ModelRow:
    """Register a network or program of somebody else's.

    Args:
        home: the workspace.
        path: its file; of a command the folder that its program stands in; None for a service.
        card: what is known of it.
        name: in this workspace; the card's when left out.
        address: of a service on this machine.
        command: program and arguments.

    Raises:
        UsageError: card, address or command are off, or name or version are taken.
        WorldError: its files are missing, refused or cannot be copied.
    """
    if address and (path is not None or command):
        raise UsageError("model", "a service has neither files nor a command here", "Name one of them")
    refuse_faults(card)
    refuse_licence(card)
    found = _service(address) if address else _files(path, tuple(command))
    refuse_other_format(found.format, card.format)
    if found.format == "safetensors" and not card.architecture:
        reason = "weights alone are no network"
        raise UsageError("model card", reason, "Name the network that they belong to: --architecture NAME")
    if found.sources:
        _keep(home, found)
    whole = _whole_card(card, found)
    definition = _definition(whole, found, address, tuple(command))
    with home.db.write() as session:
        return external_rows.add(session, name or card.name, whole, definition, _detail(whole), name is not None)


def refuse_faults(card: ModelCard) -> None:
    """A card that a model cannot be run by. Raises UsageError with the first fault and how many more there are."""
    faults = faults_of(card)
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise UsageError("model card", f"{faults[0]}{more}", "See all: isoline model card check FILE")


def refuse_licence(card: ModelCard) -> None:
    """A licence that forbids commercial use, and nobody who says why the model is used all the same."""
    if card.non_commercial and not card.reason.strip():
        reason = "its licence forbids commercial use, and nobody has said why it is used here"
        raise UsageError(f"model {card.name}", reason, "Say so, for the card and the audit trail: --reason TEXT")


def agree_to_incomplete_sandbox(session: Session, name: str) -> ModelRow:
    """Let a model run where the sandbox cannot isolate it fully: somebody's word, kept in the audit trail.

    Raises:
        UsageError: no such model, or one that nothing foreign of is run.
    """
    found = models.get(session, name)
    if found.source != "external" or found.definition["format"] in ("safetensors", "endpoint"):
        raise UsageError(
            f"model {name}", "no code of somebody else's is run in the sandbox for it", "Nothing to agree to"
        )
    if not found.definition.get("allow_incomplete"):
        found.definition = {**found.definition, "allow_incomplete": True}
        flag_modified(found, "definition")
        audit.append(session, "incomplete sandbox agreed to", name, {"sha256": found.sha256})
    return models.as_row(found)


def files_sha256(home: Home, definition: ExternalModel) -> str | None:
    """The model's hash, made anew from the files in the workspace; None where one is missing."""
    if definition.format == "endpoint":
        return sha256_of_address(definition.address)
    folder = home.models / definition.sha256
    if not all((folder / name).is_file() for name in definition.files):
        return None
    files = {name: sha256_of(folder / name) for name in definition.files}
    if definition.format != "command" and len(files) == 1:
        return files[definition.entry]
    return sha256_of_files(files, definition.command)


def _files(path: Path | None, command: tuple[str, ...]) -> ModelFiles:
    if path is None:
        raise UsageError("model", "nothing was named", "Name its file, its folder, or its address")
    if command:
        return of_command(path, command)
    return of_file(path)


def _service(address: str) -> ModelFiles:
    return ModelFiles("endpoint", "", {}, {}, sha256_of_address(loopback_address(address)))


def _whole_card(card: ModelCard, found: ModelFiles) -> ModelCard:
    """The card with what its files tell, and with what was assumed named."""
    notes = [*card.notes, *([SERVICE_NOTE] if found.format == "endpoint" else [])]
    told = {
        "source": "external",
        "format": found.format,
        "files": found.files,
        "weights_sha256": found.sha256,
        "notes": tuple(dict.fromkeys(notes)),
        "output": card.output if card.output != UNKNOWN else ", ".join(dict.fromkeys(o.kind for o in card.outputs)),
    }
    return with_assumptions(card).model_copy(update=told)


def _definition(card: ModelCard, found: ModelFiles, address: str, command: tuple[str, ...]) -> ExternalModel:
    contract = card.preprocessing
    if contract is None:  # refuse_faults has seen to it
        raise UsageError("model card", "it does not say what the model must be fed", "Add the table 'preprocessing'")
    return ExternalModel(
        name=card.name,
        format=found.format,
        folder=f"models/{found.sha256}" if found.sources else "",
        entry=found.entry,
        files=found.files,
        architecture=card.architecture,
        command=command,
        address=address.strip(),
        sha256=found.sha256,
        preprocessing=contract,
        outputs=card.outputs,
    )


def _detail(card: ModelCard) -> dict[str, object]:
    """For the audit trail: what was registered, under which licence, and why where that needs a reason."""
    return {
        "format": card.format or "",
        "product": card.product,
        "version": card.version,
        "licence": card.licence,
        "reason": card.reason,
        "files": len(card.files),
        "declined": list(card.declined),
    }


def _keep(home: Home, found: ModelFiles) -> None:
    """Put its files into the folder of its hash, whole or not at all.

    A file that is there with the right content stays; a damaged one is replaced by what it must be.
    """
    goal = home.models / found.sha256
    draft = home.models / f"{found.sha256}.{os.getpid()}.tmp"
    wanted = {name: sha for name, sha in found.files.items() if not _is_there(goal / name, sha)}
    if not wanted:
        return
    try:
        shutil.rmtree(draft, ignore_errors=True)
        for name, sha in wanted.items():
            _copy(found.sources[name], draft / name, sha)
        if not goal.is_dir():
            draft.rename(goal)
            return
        for name in wanted:
            (goal / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / name).replace(goal / name)
    except OSError as error:
        reason = f"its files cannot be copied ({error.strerror or type(error).__name__})"
        raise WorldError("model", reason, "Free some space and add the model again") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _is_there(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of(path) == sha256


def _copy(source: Path, goal: Path, sha256: str) -> None:
    """Copy a file to disk and look whether it is still the one that was hashed."""
    goal.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, goal)
    goal.chmod(0o755 if os.access(source, os.X_OK) else 0o644)
    with goal.open("rb+") as file:
        os.fsync(file.fileno())
    if sha256_of(goal) != sha256:
        raise WorldError("model", "a file of it changed while it was read", "Add it again")
