"""What stands against the numbers of a dossier, computed from what the database knows, in whole sentences.

Each function looks for one limit and says it, or says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from app.core.words import counted
from app.governance.basis import Basis
from app.governance.dossier import ModelSection, PretrainingSection
from engine.contract.card import COLLAPSE_NOTE, DERIVED_STAMP, LEAK_NOTE
from engine.contract.evaluation import MODES
from engine.contract.results import Estimate

FEW = 50
"""Patients in a class below which intervals are wide and analytic (statistics plan, section 4.2)."""

SHORT_S = 3600.0
"""Pretraining time below which a model is no more than a trial of the procedure."""

Sections = Sequence[ModelSection]
Trained = Sequence[PretrainingSection]


def limits_of(basis: Basis, sections: Sections, trained: Trained) -> tuple[str, ...]:
    """All limits that apply, the gravest first."""
    return tuple(sentence for limit in _LIMITS for sentence in limit(basis, sections, trained))


def _transductive(basis: Basis, sections: Sections, trained: Trained) -> Iterator[str]:
    for overlap in basis.overlaps:
        most = "at most " if overlap.at_most else ""
        if overlap.records:
            yield (
                f"'{overlap.model}' was pretrained on {most}{overlap.records:,} of the {basis.records:,} evaluated "
                "recordings (signals only, no labels): its figures are transductive and may be "
                "better than on new recordings."
            )
        elif overlap.patients:
            yield (
                f"'{overlap.model}' was pretrained on other recordings of {most}{overlap.patients:,} of the "
                f"{basis.patients:,} evaluated patients: its figures may be better than on new patients."
            )


def _unknown_pretraining(basis: Basis, sections: Sections, trained: Trained) -> Iterator[str]:
    known = {section.results.weights_sha256 for section in trained}
    studied = {overlap.model for overlap in basis.overlaps if overlap.at_most}
    for section in sections:
        if section.card.source == "native" and section.sha256 not in known and section.card.name not in studied:
            yield (
                f"'{section.card.name}' was not pretrained in this workspace: whether it has seen these recordings or "
                "patients before is not known."
            )


def _brief_pretraining(basis: Basis, sections: Sections, trained: Trained) -> Iterator[str]:
    for section in trained:
        if section.results.seconds < SHORT_S:
            yield (
                # No measured time here: two runs of one config must print the same numbers.
                f"'{section.config.name}' was pretrained for less than an hour "
                f"({counted(section.results.steps, 'step')}): it shows that the procedure works, not what the "
                "method can reach."
            )


def _derived(basis: Basis, sections: Sections, trained: Trained) -> Iterator[str]:
    for section in sections:
        line = section.card.lineage
        if line.parent_sha256:
            yield (
                f"'{section.card.name}' was made from '{line.parent_name or 'another model'}' by further pretraining: "
                f"{DERIVED_STAMP}. Its figures say nothing about the model it was made from."
            )


def _leaking(basis: Basis, sections: Sections, trained: Trained) -> Iterator[str]:
    for section in sections:
        if LEAK_NOTE in section.card.notes:
            yield f"'{section.card.name}' {LEAK_NOTE}. Its pretraining loss shows nothing."


def _collapsed(basis: Basis, sections: Sections, trained: Trained) -> Iterator[str]:
    for section in sections:
        reason = section.card.lineage.collapsed
        if reason:
            yield f"'{section.card.name}' {COLLAPSE_NOTE} ({reason.rstrip('.')}): its features hold little."


def _few_patients(basis: Basis, sections: Sections, trained: Trained) -> Iterator[str]:
    few = [item.label for item in sections[0].evaluation.labels if _smallest(item.auroc) < FEW]
    if few:
        yield (
            f"Fewer than {FEW} patients stand in one class of {', '.join(few)}: the intervals are wide, and the "
            "reported one is analytic with the bootstrap beside it."
        )


def _not_estimable(basis: Basis, sections: Sections, trained: Trained) -> Iterator[str]:
    for section in sections:
        for item in section.evaluation.labels:
            if item.auroc.value is None:
                reason = item.auroc.not_estimable.rstrip(".") or "no reason was given"
                yield f"'{section.card.name}', {item.label}: not estimable ({reason})."


def _cross_validated(basis: Basis, sections: Sections, trained: Trained) -> Iterator[str]:
    probed = [s.card.name for s in sections if s.card.source != "predictions" and s.evaluation.mode != MODES["own"]]
    if basis.folds and probed:
        yield (
            "The figures of "
            + ", ".join(f"'{name}'" for name in probed)
            + " are cross-validated: each fold is scored by a probe fitted on the other folds of the same sample. They "
            "estimate the procedure, not one fixed classifier, and are no external validation."
        )


def _sampling(basis: Basis, sections: Sections, trained: Trained) -> Iterator[str]:
    source = "one collection" if len(basis.datasets) == 1 else f"{len(basis.datasets)} collections"
    yield (
        f"The {basis.records:,} recordings come from {source} and were taken as supplied. Nothing shows that they are "
        "consecutive or represent the patients for whom a model would be used."
    )
    if basis.excluded:
        listed = ", ".join(f"{count:,} {reason}" for reason, count in sorted(basis.excluded.items()))
        yield f"Recordings left out of the cohort: {listed}."


def _label_origin(basis: Basis, sections: Sections, trained: Trained) -> Iterator[str]:
    yield (
        "Where the labels come from is not recorded: who made them, from what, and whether the electrocardiograph's "
        "own statement was among it. A label that was read off the tested output would flatter it."
    )


def _patients(basis: Basis, sections: Sections, trained: Trained) -> Iterator[str]:
    if basis.patient_unknown:
        yield (
            f"For {basis.patient_unknown:,} of {basis.records:,} recordings no patient was named: each of them is "
            "counted as its own patient. If some share a patient, the intervals are too narrow."
        )


def _quality(basis: Basis, sections: Sections, trained: Trained) -> Iterator[str]:
    if basis.limited_quality:
        kept = (
            "is of limited signal quality and was"
            if basis.limited_quality == 1
            else "are of limited signal quality and were"
        )
        yield f"{basis.limited_quality:,} of {counted(basis.records, 'recording')} {kept} kept."


def _supplied_scores(basis: Basis, sections: Sections, trained: Trained) -> Iterator[str]:
    for section in sections:
        if section.card.source == "predictions":
            yield (
                f"'{section.card.name}' was supplied as scores: how they were made, and whether its developer has seen "
                "these recordings before, cannot be known from them."
            )


def _vendors(basis: Basis, sections: Sections, trained: Trained) -> Iterator[str]:
    """What nobody outside of a vendor can know of its model."""
    for section in sections:
        card = section.card
        if card.source != "external":
            continue
        if card.declined:
            yield f"The maker of '{card.name}' was asked for {_fields(card.declined)} and declined to tell."
        if card.assumed:
            yield (
                f"Of '{card.name}' nobody told {_fields(card.assumed)}: what was assumed in their place may make it "
                "look other than it is."
            )
        if card.non_commercial:
            yield f"The licence of '{card.name}' forbids commercial use; the reason that was given: {card.reason}."
        elif card.non_commercial is None:
            yield f"Whether the licence of '{card.name}' allows commercial use is not known."


def _fields(names: Sequence[str]) -> str:
    return ", ".join(name.rpartition(".")[2].replace("_", " ") for name in names)


def _missing_scores(basis: Basis, sections: Sections, trained: Trained) -> Iterator[str]:
    for section in sections:
        name, missing = section.card.name, section.evaluation.missing_scores
        if missing:
            yield f"'{name}' has no score for {missing:,} recordings or labels; they are left out of its figures."


def _looked_before(basis: Basis, sections: Sections, trained: Trained) -> Iterator[str]:
    if basis.openings > len(sections):
        yield (
            f"The labels of this split have been opened {counted(basis.openings, 'time')}, {len(sections)} of them for "
            "the models shown here: every further look makes a chance finding more likely."
        )


def _multiplicity(basis: Basis, sections: Sections, trained: Trained) -> Iterator[str]:
    count = len(sections[0].evaluation.labels)
    if count > 1:
        yield f"Intervals are given for {count} labels and {len(sections)} models without correction for their number."


def _scope(basis: Basis, sections: Sections, trained: Trained) -> Iterator[str]:
    labels = [item for section in sections for item in section.evaluation.labels]
    missing = [
        name
        for name, known in (
            ("operating points", any(item.operating for item in labels)),
            ("calibration", any(item.calibration for item in labels)),
            ("subgroups", any(item.subgroups for item in labels)),
        )
        if not known
    ]
    also = f"{', '.join(missing)}, " if missing else ""
    yield f"Not examined here: {also}alerts per day, robustness to poor signals, drift."
    yield (
        "Reports carry no names, but a 12-lead waveform may itself re-identify a patient: keep this document as you "
        "keep the recordings."
    )


_LIMITS: tuple[Callable[[Basis, Sections, Trained], Iterator[str]], ...] = (
    _transductive,
    _unknown_pretraining,
    _derived,
    _leaking,
    _collapsed,
    _brief_pretraining,
    _few_patients,
    _not_estimable,
    _cross_validated,
    _sampling,
    _label_origin,
    _patients,
    _supplied_scores,
    _vendors,
    _missing_scores,
    _quality,
    _looked_before,
    _multiplicity,
    _scope,
)


def _smallest(estimate: Estimate) -> int:
    counts = (estimate.positive_patients, estimate.negative_patients)
    return min((count for count in counts if count is not None), default=FEW)
