"""What a dossier says of external models against their cards: was it looked at, and what stands against the figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from app.core import jobs, vetting
from app.core.words import counted
from app.governance.dossier import ModelSection, VettingSection

FEW = 3
"""Contract items that one sentence names."""


def vettings_of(session: Session, sections: Sequence[ModelSection]) -> tuple[VettingSection, ...]:
    """The newest finished vetting of each external model of a dossier, in the order of its models."""
    told = []
    for section in sections:
        if section.card.source != "external":
            continue
        name = str(jobs.get(session, section.evaluation_job).model)
        found, certifying = vetting.latest(session, name), vetting.certifying(session, name)
        if found is not None:
            certified = ("", None) if certifying is None else (certifying.job_id, certifying.results)
            told.append(VettingSection(section.card.name, found.job_id, found.results, found.current, *certified))
    return tuple(told)


def limits_of_vettings(sections: Sequence[ModelSection], vettings: Sequence[VettingSection]) -> Iterator[str]:
    """What vettings, and what nobody has vetted, do to the figures; in whole sentences."""
    known = {one.model: one for one in vettings}
    for section in sections:
        name = section.card.name
        if section.card.source == "external" and name not in known:
            yield (
                f"'{name}' was not held against its card: whether it was fed here as its maker means is not known, and "
                "its figures are those of this program's reading of the card."
            )
    for one in vettings:
        yield from _limits(one)


def _limits(one: VettingSection) -> Iterator[str]:
    results = one.results
    if not one.current:
        yield f"The card of '{one.model}' was changed after it was vetted: what was found then may not hold."
    grave = results.weighing("blocking")
    if grave:
        told = counted(len(grave), "blocking finding")
        yield f"'{one.model}' does not fit its card: {told}, see Contract and parity."
    if one.parity.verdict == "not met":
        yield (
            f"On golden ECGs this program does not give the numbers of the maker of '{one.model}': what is measured "
            "here is not yet his product."
        )
    elif one.parity.verdict == "no reference supplied":
        yield (
            f"The maker of '{one.model}' has supplied no outputs to compare with: whether what is measured here is his "
            "product cannot be known."
        )
    if results.determinism.state == "differs by call":
        yield f"'{one.model}' answers the same recording otherwise each time: its figures cannot be made again."
    if results.dangerous:
        worst = sorted(results.dangerous, key=lambda item: item.change.value or 0 if item.change else 0)[:FEW]
        more = f", and {len(results.dangerous) - FEW} more" if len(results.dangerous) > FEW else ""
        yield (
            f"'{one.model}' goes on to give plausible answers that are worse, without a sign of it, when it is fed "
            f"wrongly: {'; '.join(item.title[:1].lower() + item.title[1:] for item in worst)}{more}."
        )
