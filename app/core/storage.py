"""The store from the workspace's side: what it holds, whether it is whole, and what was resampled once and kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import audit, jobs
from app.core.home import Home
from app.core.rows import DerivedRow, StoreSummary
from app.core.schema import Record
from engine.contract.config import VerifyConfig
from engine.contract.run import ManifestRow
from engine.data import resampled
from engine.data.store import Store


def summary(home: Home) -> StoreSummary:
    """Counts of the store. Raises WorldError when there is none."""
    store = Store.open(home.store)
    lengths, rates = store.measures()
    counts = Counter(
        {f"{rate:g}": int(count) for rate, count in zip(*np.unique(rates, return_counts=True), strict=True)}
    )
    return StoreSummary(
        recordings=len(store),
        hours=float((lengths / rates).sum()) / 3600,
        size_bytes=sum(file.stat().st_size for file in home.store.glob("*.bin")),
        rates=dict(counts),
        exact=store.count_exact(),
    )


def verify(session: Session, home: Home) -> str:
    """Queue the reading of the whole store; gives back the job's id. Raises WorldError when there is none."""
    count = len(Store.open(home.store))
    # The store does not know which recordings had further leads: without this, a file that is gone would not be missed.
    having = session.execute(select(Record.record_id, Record.extra_leads).where(Record.extra_leads != []))
    extra = [ManifestRow(record_id, "", "extra") for record_id, leads in having if leads]
    return jobs.submit(session, home, VerifyConfig(store=str(home.store)), f"{count:,} recordings", extra)


def derived(home: Home) -> list[DerivedRow]:
    """All derived stores."""
    return [
        DerivedRow(
            key=found.key,
            rate_hz=found.recipe.get("rate_hz"),
            clip_mv=found.recipe.get("clip_mv"),
            records=found.records,
            size_bytes=found.size_bytes,
            in_use=found.in_use,
        )
        for found in resampled.list_derived(home.store)
    ]


def forget(session: Session, home: Home, keys: Sequence[str]) -> int:
    """Delete derived stores, all when none is named; gives back the bytes that this frees.

    Raises:
        WorldError: there is none of this key, or a run is making it.
    """
    freed = resampled.forget_derived(home.store, tuple(keys))
    audit.append(session, "derived stores deleted", "store", {"keys": list(keys), "bytes": freed})
    return freed
