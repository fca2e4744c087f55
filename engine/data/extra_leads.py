"""Leads beyond the twelve, kept aside: one small file a recording beside the store, `extra/r0123456789ab.npz`.

Models get the twelve; whoever looks at a recording or exports it gets these, too.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np

from engine.contract.errors import WorldError
from engine.data.repair import disk_fault
from engine.signal.acquisition import ExtraLeads

FOLDER = "extra"


def keep_extra(store: Path, record_id: str, extra: ExtraLeads) -> None:
    """Write the further leads of a recording, whole or not at all; done before the recording itself is committed.

    Raises:
        WorldError: the disk is full or gone.
    """
    folder = store / FOLDER
    draft = folder / f"{record_id}.tmp"
    try:
        folder.mkdir(exist_ok=True)
        with draft.open("wb") as file:
            np.savez(file, leads=np.array(extra.leads, dtype=np.str_), signal=extra.signal_XT)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, folder / f"{record_id}.npz")
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise disk_fault(error) from None


def extras_of(store: Path) -> list[str]:
    """Ids of the recordings whose further leads are kept, in order."""
    return sorted(path.stem for path in (store / FOLDER).glob("*.npz"))


def extra_fault(store: Path, record_id: str) -> str:
    """What is wrong with the further leads of a recording; empty when they are whole. Every byte is checked."""
    path = store / FOLDER / f"{record_id}.npz"
    try:
        with zipfile.ZipFile(path) as packed:
            torn = packed.testzip()
        extra = None if torn else read_extra(store, record_id)
    except FileNotFoundError:
        return "its extra leads are gone"
    except (OSError, WorldError, ValueError, EOFError, NotImplementedError, zipfile.BadZipFile):
        return "its extra leads are damaged"
    if torn or extra is None:
        return "its extra leads do not match their checksum"
    whole = extra.signal_XT.ndim == 2 and len(extra.leads) == len(extra.signal_XT)
    return "" if whole else "its extra leads and their names do not fit"


def read_extra(store: Path, record_id: str) -> ExtraLeads | None:
    """The further leads of a recording, [X, T] millivolts at its own rate; None when it has none.

    Raises:
        WorldError: the file is damaged.
    """
    path = store / FOLDER / f"{record_id}.npz"
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as told:
            return ExtraLeads(tuple(str(lead) for lead in told["leads"]), told["signal"].astype(np.float32))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        raise WorldError("store", "the extra leads of a recording are damaged", "Import the recording again") from None
