"""The evidence behind a dossier as one canonical JSON document, and the ids under which its numbers are printed.

The document travels inside the PDF as an attachment. Its sha256 stands on every page, so that pages and attachment
vouch for each other; `app.report.verify` holds both against the workspace.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import rfc8785
from pydantic import BaseModel

from app.core.rows import SignalView
from app.governance.dossier import Dossier, Evidence

ATTACHMENT = "isoline-evidence.json"
FORMAT = "isoline-evidence"
VERSION = 1


class Ledger:
    """Looks up the evidence id of a number by the run and the path it was read from.

    Args:
        rows: the dossier's evidence.
        results: results of each run as plain data, so that `labels[NORM].auroc.value` and `labels.0.auroc.value`
            name the same number.

    Attributes:
        cited: ids that were asked for: the numbers that stand on paper.
    """

    def __init__(self, rows: Iterable[Evidence], results: Mapping[str, Any]) -> None:
        self._results = results
        self.cited: set[str] = set()
        self._ids = {(row.job_id, concrete_path(results.get(row.job_id), row.path)): row.id for row in rows}

    def cite(self, job_id: str, path: str) -> str:
        """Evidence id of one number. Raises KeyError when the dossier was collected without it: a bug."""
        key = (job_id, concrete_path(self._results.get(job_id), path))
        if key not in self._ids:
            raise KeyError(f"the dossier prints {job_id} {path} without evidence")
        self.cited.add(self._ids[key])
        return self._ids[key]


def path_steps(path: str) -> list[str]:
    """Steps of a path: `labels.0.auroc.value`, `labels[NORM].auroc.value` or the JSON pointer `/labels/0/...`."""
    if path.startswith("/"):
        return [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]
    return [inside or plain for inside, plain in re.findall(r"\[([^\]]*)\]|([^.\[\]]+)", path)]


def concrete_path(results: Any, path: str) -> tuple[str, ...]:
    """The path with names of list entries replaced by positions; unresolvable steps stay as they are."""
    done: list[str] = []
    node = results
    for step in path_steps(path):
        place = _place(node, step)
        done.append(step if place is None else str(place))
        node = None if place is None else node[place]
    return tuple(done)


def value_at(results: Any, path: str) -> float | None:
    """The number at a path of a run's results. Raises KeyError when there is no such number."""
    node = results
    for step in path_steps(path):
        place = _place(node, step)
        if place is None:
            raise KeyError(path)
        node = node[place]
    if node is None:
        return None
    if isinstance(node, bool) or not isinstance(node, int | float):
        raise KeyError(path)
    return float(node)


def evidence_document(dossier: Dossier) -> bytes:
    """The evidence of a dossier as RFC 8785 canonical JSON."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "title": dossier.title,
        "created": dossier.created,
        "workspace_id": dossier.workspace_id,
        "comparison_job": dossier.comparison_job,
        "dossier_sha256": dossier_sha256(dossier),
        "manifest_sha256": dossier.data.manifest_sha256,
        "split": {
            "id": dossier.cohort.split_id,
            "sha256": dossier.cohort.split_sha256,
            "test_sha256": dossier.comparison.test_sha256,
            "openings": dossier.cohort.openings,
        },
        "audit": {"seq": dossier.audit_seq, "head": dossier.audit_head},
        "models": [
            {
                "name": model.card.name,
                "version": model.card.version,
                "source": model.card.source,
                "sha256": model.sha256,
                "evaluation_job": model.evaluation_job,
            }
            for model in dossier.models
        ],
        "runs": [dataclasses.asdict(run) for run in dossier.runs],
        "evidence": [dataclasses.asdict(row) for row in dossier.evidence],
        "versions": dossier.versions,
        "selftest": None if dossier.certificate is None else dossier.certificate.model_dump(mode="json"),
    }
    return rfc8785.dumps(document)


def dossier_sha256(dossier: Dossier) -> str:
    """Hash of all that the dossier holds; samples of the drawn ECG enter as their own hash."""
    return hashlib.sha256(rfc8785.dumps(_plain(dossier))).hexdigest()


def digest(document: bytes) -> str:
    """sha256 of the evidence document, in hex."""
    return hashlib.sha256(document).hexdigest()


def _place(node: Any, step: str) -> str | int | None:
    if isinstance(node, Mapping):
        return step if step in node else None
    if not isinstance(node, list):
        return None
    if step.isdigit():
        return int(step) if int(step) < len(node) else None
    named = [i for i, entry in enumerate(node) if isinstance(entry, Mapping) and entry.get("label") == step]
    return named[0] if len(named) == 1 else None


def _plain(value: Any) -> Any:
    if isinstance(value, SignalView):
        samples = np.ascontiguousarray(np.where(np.isnan(value.signal_CT), np.float32(np.nan), value.signal_CT))
        return {
            "record_id": value.record_id,
            "rate_hz": value.rate_hz,
            "leads": list(value.leads),
            "derived_leads": list(value.derived_leads),
            "samples_sha256": hashlib.sha256(samples.astype("<f4").tobytes()).hexdigest(),
        }
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value
