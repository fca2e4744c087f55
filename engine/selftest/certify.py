"""Run every reference case through our own statistics and write down how near they come."""

from __future__ import annotations

import math
import platform
import time
from datetime import UTC, datetime
from importlib import metadata

from engine.contract.errors import crash_line
from engine.contract.selftest import Certificate, Deviation, SubjectVerdict
from engine.contract.version import VERSION
from engine.selftest.references import Case, Reference, references, references_sha256
from engine.selftest.subjects import SUBJECTS, Answer

PACKAGES = ("numpy", "scipy", "torch")
MOST_TOLD = 100


def certify() -> Certificate:
    """The certificate of this installation on this machine.

    Raises:
        WorldError: the reference files are missing or damaged.
    """
    began = time.monotonic()
    verdicts, deviations = [], []
    for reference in references():
        verdict, found = _hold(reference)
        verdicts.append(verdict)
        deviations += found
    return Certificate(
        right=all(verdict.wrong == 0 for verdict in verdicts),
        subjects=verdicts,
        deviations=deviations[:MOST_TOLD],
        numbers=sum(verdict.numbers for verdict in verdicts),
        references_sha256=references_sha256(),
        isoline=VERSION,
        python=platform.python_version(),
        packages={package: metadata.version(package) for package in PACKAGES},
        machine=f"{platform.system()} {platform.machine()}",
        made_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        seconds=round(time.monotonic() - began, 3),
    )


def _hold(reference: Reference) -> tuple[SubjectVerdict, list[Deviation]]:
    deviations, worst, numbers = [], 0.0, 0
    for case in reference.cases:
        answer, problem = _answer(reference.subject, case)
        for quantity, expected in case.expected.items():
            numbers += 1
            share = _share(answer.get(quantity), expected, case.tolerance)
            worst = max(worst, share)
            if share > 1:
                deviations.append(_deviation(reference.subject, case, quantity, answer.get(quantity), problem))
    verdict = SubjectVerdict(
        subject=reference.subject,
        software=f"{reference.software} {reference.version}",
        cases=len(reference.cases),
        numbers=numbers,
        wrong=len(deviations),
        worst=min(worst, 1e9),
    )
    return verdict, deviations


def _answer(subject: str, case: Case) -> tuple[Answer, str]:
    """Ours; nothing and the reason where it fails, so that one broken statistic does not hide the others."""
    if subject not in SUBJECTS:
        return {}, "this program has no such subject"
    try:
        return SUBJECTS[subject](**case.inputs), ""
    except Exception as error:  # a crash of one statistic is a finding, told with its case
        return {}, crash_line(error)


def _share(found: float | None, expected: float, tolerance: float) -> float:
    """The difference as a share of what is allowed."""
    if found is None or not math.isfinite(found):
        return math.inf
    return abs(found - expected) / (tolerance * max(1.0, abs(expected)))


def _deviation(subject: str, case: Case, quantity: str, found: float | None, problem: str) -> Deviation:
    defined = found is not None and math.isfinite(found)
    return Deviation(
        subject=subject,
        case=case.name,
        quantity=quantity,
        expected=case.expected[quantity],
        found=found if defined else None,
        tolerance=case.tolerance,
        problem=problem or ("" if defined else "undefined"),
    )
