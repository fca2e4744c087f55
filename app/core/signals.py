"""Samples of recordings, for painting and for other programs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from app.core import leaving
from app.core.home import Home
from app.core.rows import SignalView
from app.core.whole_file import write_file
from engine.contract.errors import UsageError
from engine.data.extra_leads import read_extra
from engine.data.store import Store
from engine.signal.leads import CANONICAL


def read(home: Home, record_id: str) -> SignalView:
    """The samples of a recording at its own rate, in millivolts, NaN where missing.

    Raises:
        UsageError: the store holds no such recording.
    """
    store = Store.open(home.store)
    row = store.find(record_id)
    if row is None:
        raise UsageError("recording", "the store holds none of this id", "See: isoline records")
    entry = store.entry(row)
    return SignalView(record_id, store.signal(row), entry.rate_hz, CANONICAL, tuple(entry.derived))


def export(home: Home, record_id: str, path: Path) -> Path:
    """Write a recording as .npz: signal [12, T] float32 in mV (NaN missing), leads, rate (Hz), unit, record_id.

    A file that had further leads gets them as extra_signal [X, T] and extra_leads.

    Raises:
        WorldError: the file cannot be written, or would hold an identifier seen at import.
    """
    view = read(home, record_id)
    path = path if path.suffix == ".npz" else path.with_name(path.name + ".npz")
    content = io.BytesIO()
    leads, rate = np.array(view.leads, dtype=np.str_), np.float64(view.rate_hz)
    extra = read_extra(home.store, record_id)
    # The names of further leads are the file's own words.
    leaving.refuse_file(home, "exported file", path, {"leads": " ".join(extra.leads) if extra else ""})
    further: dict[str, Any] = {"extra_leads": np.array(extra.leads), "extra_signal": extra.signal_XT} if extra else {}
    np.savez(
        content,
        signal=view.signal_CT,
        leads=leads,
        rate=rate,
        unit=np.array("mV"),
        record_id=np.array(record_id),
        **further,
    )
    return write_file("exported file", path, content.getvalue())
