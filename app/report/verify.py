"""Hold an exported PDF against the workspace that made it: hashes, run by run and number by number.

A PDF proves nothing by itself. What it prints is tied to its attachment by a digest, the attachment to the database by
hashes and values, the database to its past by the audit chain, and the file as a whole to the trail by its own hash.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError
from pypdf import PdfReader

from app.core.rows import AuditVerdict, Check, Verification
from app.core.words import counted
from app.report.evidence import ATTACHMENT, FORMAT, VERSION, digest, value_at
from engine.contract.errors import WorldError
from engine.contract.selftest import Certificate

CREATOR = "Isoline"
_LARGEST = 256 * 1024 * 1024


@dataclass(frozen=True)
class RunFacts:
    """What the workspace holds of one run now.

    The hashes are made anew from what the database (or the run folder) holds at this moment, by the same rule that
    made those in `RunProvenance`; never read from a stored column.

    Attributes:
        config_sha256: hash of the config in the database.
        results_sha256: hash of the results in the database.
        results: the results in the database as plain data.
        config_file_sha256: hash of config.json in the run folder; None when the folder is gone.
        results_file_sha256: hash of results.json in the run folder; None when the folder is gone.
    """

    config_sha256: str
    results_sha256: str
    results: dict[str, Any]
    config_file_sha256: str | None = None
    results_file_sha256: str | None = None


class WorkspaceFacts(Protocol):
    """What verification asks of a workspace."""

    @property
    def workspace_id(self) -> str:
        """Id of this workspace."""

    def run(self, job_id: str) -> RunFacts | None:
        """The run as it stands now; None when the workspace has no such run or it has no results."""

    def model_sha256(self, sha256: str) -> str | None:
        """Recomputed hash of the model registered under `sha256`.

        Of its weight or score file, or of its definition where a model has no file (random weights, age + sex). None
        when no such model or no such file is left.
        """

    def audit(self) -> AuditVerdict:
        """Whether the audit chain holds, walked from its first event."""

    def audit_hash(self, seq: int) -> str | None:
        """Hash of the audit event number `seq`; None when the trail is shorter."""

    def exported(self) -> frozenset[str]:
        """sha256 of every PDF whose export stands in the audit trail."""


def read_evidence(pdf: Path) -> dict[str, Any]:
    """The evidence that an exported PDF carries.

    Raises:
        WorldError: the file cannot be read, is no PDF, or carries no evidence of Isoline.
    """
    opened = _open(pdf)
    if opened.attachment is None:
        raise WorldError(
            f"report {pdf.name}", "it carries no evidence of Isoline", "Choose a PDF that Isoline exported"
        )
    return _parse(pdf, opened.attachment)


def verify(pdf: Path, facts: WorkspaceFacts) -> Verification:
    """Recompute all that ties a PDF to a workspace, one line for each tie.

    Raises:
        WorldError: the file cannot be read, is no PDF, or was not made by Isoline.
    """
    opened = _open(pdf)
    if opened.attachment is None:
        if opened.creator != CREATOR:
            read_evidence(pdf)
        missing = Check("evidence attachment", False, "missing: it was removed from this PDF")
        return Verification(pdf.name, (missing, _exported(opened, facts)))
    evidence = _parse(pdf, opened.attachment)
    checks = [
        *_document_checks(opened, opened.attachment, evidence, facts),
        _selftest_check(opened, evidence),
        *[_run_check(run, facts) for run in evidence["runs"]],
        *_value_checks(evidence["evidence"], facts),
        *[_model_check(model, facts) for model in evidence["models"]],
        *_audit_checks(evidence["audit"], facts),
    ]
    return Verification(pdf.name, tuple(checks))


@dataclass(frozen=True)
class _Opened:
    sha256: str
    creator: str
    attachment: bytes | None
    printed: bool
    tested: bool


def _open(pdf: Path) -> _Opened:
    try:
        if pdf.stat().st_size > _LARGEST:
            raise WorldError(f"report {pdf.name}", "it is larger than any report", "Choose a PDF that Isoline exported")
        content = pdf.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise WorldError(f"report {pdf.name}", f"it cannot be read ({reason})", "Check the path") from None
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        return _read(content)
    except Exception:  # a foreign file can make the parser fail in any way, and none of them is a bug of ours
        raise WorldError(
            f"report {pdf.name}", "it is not a readable PDF", "Choose a PDF that Isoline exported"
        ) from None


def _read(content: bytes) -> _Opened:
    reader = PdfReader(io.BytesIO(content))
    names = reader.attachments
    found = names[ATTACHMENT][0] if ATTACHMENT in names else None
    printed = found is not None and _prints(reader, digest(found))
    reference = "" if found is None else _reference_values(found)
    tested = bool(reference) and _prints(reader, reference)
    creator = str(reader.metadata.creator or "") if reader.metadata is not None else ""
    return _Opened(hashlib.sha256(content).hexdigest(), creator, found, printed, tested)


def _reference_values(attachment: bytes) -> str:
    """Hash of the reference values of the certificate inside an attachment; empty where there is none."""
    try:
        return str(json.loads(attachment)["selftest"]["references_sha256"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _prints(reader: PdfReader, sha256: str) -> bool:
    """Whether a hash is printed in whole; the annex that prints it stands near the end."""
    return any(sha256 in re.sub(r"\s+", "", page.extract_text()) for page in reversed(reader.pages))


def _parse(pdf: Path, attachment: bytes) -> dict[str, Any]:
    """The attachment as data, refused when it is not what this version writes."""
    fault = WorldError(
        f"report {pdf.name}", "its evidence is damaged or of another version", "Verify it with the Isoline that made it"
    )
    try:
        evidence = json.loads(attachment)
        known = evidence["format"] == FORMAT and evidence["version"] == VERSION
        for part, fields in _FIELDS.items():
            entries = evidence[part] if isinstance(evidence[part], list) else [evidence[part]]
            known = known and all(isinstance(entry[field], kind) for entry in entries for field, kind in fields)
        known = known and isinstance(evidence["workspace_id"], str)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise fault from None
    if not known:
        raise fault
    return dict(evidence)


_FIELDS: dict[str, tuple[tuple[str, Any], ...]] = {
    "runs": (("job_id", str), ("kind", str), ("config_sha256", str), ("results_sha256", str)),
    "evidence": (("id", str), ("job_id", str), ("path", str), ("value", (int, float, type(None)))),
    "models": (("name", str), ("sha256", str)),
    "audit": (("seq", int), ("head", str)),
}


def _document_checks(
    opened: _Opened, attachment: bytes, evidence: dict[str, Any], facts: WorkspaceFacts
) -> list[Check]:
    made = digest(attachment)
    found = f"{made} is {'' if opened.printed else 'not '}printed in the pages"
    home = evidence["workspace_id"]
    return [
        Check("evidence attachment and pages", opened.printed, found),
        _exported(opened, facts),
        _compare("workspace", home, facts.workspace_id),
    ]


def _selftest_check(opened: _Opened, evidence: dict[str, Any]) -> Check:
    """The certificate of the self-test: there, right, as printed, and of the engine that made the dossier."""
    what = "self-test certificate"
    try:
        told = Certificate.model_validate(evidence.get("selftest"))
    except ValidationError:
        return Check(what, False, "the evidence carries none: nothing shows that the statistics are right here")
    made_with = str((evidence.get("versions") or {}).get("isoline", "unknown"))
    faults = [
        "" if told.right else f"{sum(one.wrong for one in told.subjects):,} of {told.numbers:,} numbers were wrong",
        "" if opened.tested else "the pages print another one than the evidence carries",
        "" if told.isoline == made_with else f"it tested Isoline {told.isoline}, the dossier is of {made_with}",
    ]
    wrong = "; ".join(fault for fault in faults if fault)
    held = f"{told.numbers:,} numbers right, as printed and as in the evidence, by the dossier's Isoline {made_with}"
    return Check(what, not wrong, wrong or held)


def _exported(opened: _Opened, facts: WorkspaceFacts) -> Check:
    known = opened.sha256 in facts.exported()
    told = "stands in the audit trail as exported" if known else "is no file that the audit trail knows as exported"
    return Check("PDF file", known, f"{opened.sha256} {told}")


def _compare(what: str, found: str, expected: str | None) -> Check:
    if expected is None:
        return Check(what, False, f"printed {found}, the workspace holds none")
    if found == expected:
        return Check(what, True, f"{found} matches")
    return Check(what, False, f"printed {found}, the workspace holds {expected}")


def _run_check(run: dict[str, Any], facts: WorkspaceFacts) -> Check:
    what = f"run {run['job_id']} ({run['kind']})"
    now = facts.run(run["job_id"])
    if now is None:
        return Check(what, False, "the workspace holds no results of this run")
    pairs = [
        ("config in the database", run["config_sha256"], now.config_sha256),
        ("results in the database", run["results_sha256"], now.results_sha256),
        ("config.json", run["config_sha256"], now.config_file_sha256),
        ("results.json", run["results_sha256"], now.results_file_sha256),
    ]
    wrong = [f"{name}: printed {old}, found {new}" for name, old, new in pairs if new is not None and new != old]
    if wrong:
        return Check(what, False, "; ".join(wrong))
    gone = [name for name, _, new in pairs if new is None]
    return Check(what, True, "config and results match" + (f" (no longer there: {', '.join(gone)})" if gone else ""))


def _value_checks(rows: list[dict[str, Any]], facts: WorkspaceFacts) -> list[Check]:
    """One line for each number that differs, one for all that match."""
    runs = {job_id: facts.run(job_id) for job_id in sorted({row["job_id"] for row in rows})}
    wrong = [check for row in rows if (check := _value_check(row, runs[row["job_id"]])) is not None]
    matching = len(rows) - len(wrong)
    told = f"{matching:,} of {len(rows):,} equal those in the database"
    return [*wrong, Check("evidence numbers", not wrong and bool(rows), told)]


def _value_check(row: dict[str, Any], run: RunFacts | None) -> Check | None:
    what = f"evidence {row['id']}"
    where = f"{row['job_id']} {row['path']}"
    try:
        if run is None:
            raise KeyError
        now = value_at(run.results, row["path"])
    except KeyError:
        return Check(what, False, f"{where}: the workspace holds no such number")
    old = None if row["value"] is None else float(row["value"])
    return None if now == old else Check(what, False, f"{where}: printed {old}, the database holds {now}")


def _model_check(model: dict[str, Any], facts: WorkspaceFacts) -> Check:
    return _compare(f"model {model['name']}", model["sha256"], facts.model_sha256(model["sha256"]))


def _audit_checks(audit: dict[str, Any], facts: WorkspaceFacts) -> list[Check]:
    verdict = facts.audit()
    told = f"{counted(verdict.events, 'event')}, head {verdict.head}" if verdict.intact else verdict.fault
    return [
        Check("audit chain", verdict.intact, told),
        _compare(f"audit event {audit['seq']}", audit["head"], facts.audit_hash(audit["seq"])),
    ]
