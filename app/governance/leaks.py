"""What a dossier says of leaks: what was searched, when, what was found, and what nobody has looked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from app.core import exposure, jobs, leak_state, leakage
from app.core.words import counted
from app.governance.dossier import LeaksSection, ModelSection

WORTH_TELLING = ("circular", "leaning")
FEW = 2
"""Findings that the first page lists."""


def leaks_of(session: Session, cohort: str, sections: Sequence[ModelSection]) -> LeaksSection:
    """What is known of leaks into a cohort and between it and the models of a dossier."""
    names = [str(jobs.get(session, section.evaluation_job).model) for section in sections]
    return LeaksSection(
        leak_state.state_of(session, cohort),
        tuple(exposure.of_models(session, cohort, list(dict.fromkeys(names)))),
        tuple(leakage.labels(session, cohort)),
    )


def searches_of(section: LeaksSection) -> list[str]:
    """The runs that the section rests on, each once."""
    return list(dict.fromkeys(search.job_id for search in section.state.searches))


def claims_of_leaks(section: LeaksSection) -> Iterator[str]:
    """One sentence for the first page: whether the parts of the split are apart, or that nobody has looked."""
    own = next((one for one in section.state.searches if not one.against), None)
    if own is None:
        yield "Nobody has searched the recordings for copies that stand in two parts of the split."
    elif own.findings:
        listed = "; ".join(own.findings[:FEW])
        more = f"; and {len(own.findings) - FEW} more of the kind" if len(own.findings) > FEW else ""
        yield f"The parts of the split are not apart: {listed}{more}. The figures are too good."
    else:
        yield f"Among {counted(own.size, 'recording')} no patient and no copy was found in two parts of the split."


def limits_of_leaks(section: LeaksSection) -> Iterator[str]:
    """What leaks, and what nobody has looked for, do to the figures; in whole sentences.

    That a model has read the evaluated recordings themselves is told among the other limits.
    """
    own = next((one for one in section.state.searches if not one.against), None)
    if own is None:
        yield (
            f"The cohort was {section.state.sentence}: no patient stands in two parts by number, but a copy of a "
            "recording under another number would go unseen and flatter the figures."
        )
    elif own.findings:
        yield f"The parts of the split are not apart: {'; '.join(own.findings)}. The figures are too good."
    if own is not None and own.unchecked:
        yield f"{counted(own.unchecked, 'recording')} could not be compared: copies of them would go unseen."
    for told in section.exposures:
        yield from (
            f"{found}: its figures may be better than on new recordings." for found in told.findings if _new(found)
        )
        yield from (f"{told}: figures on them are no figures of its intended use." for told in told.off_label)
    circular = [one.label for one in section.labels if one.verdict in WORTH_TELLING]
    if circular:
        yield (
            f"Labels that repeat or lean on the electrocardiograph's own statement: {', '.join(circular)}. On them a "
            "figure tells how well a model imitates the device."
        )


def _new(found: str) -> bool:
    return "signals only, no labels" not in found and "other recordings of" not in found
