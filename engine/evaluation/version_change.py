"""The worker of a version regression: an old and a new version of a product on the same test part of the same split.

Nothing is scored anew: the run reads what two finished evaluations left behind, so it takes no model and no GPU.

Legend: N recordings of the test part, P patients, B resamples, L labels.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from engine.contract.config import VersionConfig
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter
from engine.contract.output_types import WHY_NOT
from engine.contract.results import VersionResults
from engine.contract.run import RunFolder
from engine.contract.version_change import POLICIES, Change, LabelChange
from engine.evaluation.comparison import Evaluation, refuse_other_labels, refuse_other_test_parts, rows_of
from engine.evaluation.opened import Opened, label_digests, open_labels
from engine.evaluation.progress import Pace
from engine.evaluation.version_flips import worst_flips
from engine.evaluation.version_groups import group_changes
from engine.evaluation.version_measures import (
    Measures,
    auroc_change,
    brier_change,
    macro_change,
    measured,
    precision_change,
)
from engine.evaluation.version_pair import Pair, Sample
from engine.evaluation.version_thresholds import output_change, policy_change, threshold_drift
from engine.metrics.estimates import in_macro
from engine.metrics.multiplicity import benjamini_hochberg
from engine.metrics.score_agreement import score_agreement
from engine.metrics.uncertainty import draw_multiplicities, patient_codes

CORRECTION = "Benjamini-Hochberg"


def run(folder: RunFolder, config: VersionConfig, events: EventWriter) -> VersionResults:
    """Hold two finished evaluations against each other.

    Raises:
        WorldError: one is unfinished or damaged, they are not of the same test part, labels changed since, or there is
            no recording that both versions put something out for.
    """
    began = time.monotonic()
    opened = open_labels(folder, config.labels)
    versions = [
        Evaluation.read(Path(path), name, scores_alone=True)
        for path, name in zip(config.evaluations, config.names, strict=True)
    ]
    pairs, groups = paired(config, opened, versions)
    sides = [measured(pair) for pair in pairs]
    pace = Pace(folder, events, "labels", "old against new version", len(pairs))
    labels = []
    for place, (pair, side) in enumerate(zip(pairs, sides, strict=True), 1):
        labels.append(label_change(pair, side, groups))
        pace.step(place)
    old, new = (one.results for one in versions)
    sample = pairs[0].sample
    return VersionResults(
        old=config.names[0],
        new=config.names[1],
        old_sha256=old.model_sha256,
        new_sha256=new.model_sha256,
        old_mode=old.mode,
        new_mode=new.mode,
        macro=macro_change(pairs, sides),
        labels=_corrected(labels),
        margin=config.margin,
        brier_margin=config.brier_margin,
        split_id=config.split_id,
        split_kind=old.split_kind,
        test_sha256=old.test_sha256,
        records=len(sample.record_ids),
        patients=len(set(sample.patients)),
        old_leaks=old.leaks,
        new_leaks=new.leaks,
        notes=_notes(versions, pairs, sides),
        seed=config.seed,
        resamples=config.resamples,
        confidence=config.confidence,
        seconds=round(time.monotonic() - began, 3),
    )


def paired(
    config: VersionConfig, opened: Opened, versions: Sequence[Evaluation]
) -> tuple[list[Pair], dict[str, list[str]]]:
    """Both versions side by side, label by label, and the groups of the recordings tested by attribute.

    Raises:
        WorldError: as `run`.
    """
    refuse_other_test_parts(versions, opened)
    record_ids = versions[0].record_ids
    rows = rows_of(opened, record_ids)
    refuse_other_labels(versions, label_digests(opened, rows))
    patients = [opened.patients[row] for row in rows.tolist()]
    codes_N, count = patient_codes(patients)
    weight_PB = draw_multiplicities(count, config.resamples, config.seed)
    sample = Sample(record_ids, patients, codes_N, weight_PB, config)
    pairs = [Pair.of(label, opened.y_NL[rows, n], versions, sample) for n, label in enumerate(opened.labels)]
    if not any(pair.both_N.any() for pair in pairs):
        reason = "there is no recording that both versions put something out for"
        raise WorldError("version regression", reason, "Look at how many recordings each version scored")
    return pairs, {name: [told[row] for row in rows.tolist()] for name, told in opened.groups.items()}


def label_change(pair: Pair, side: Measures, groups: dict[str, list[str]]) -> LabelChange:
    """All that is told of one label; p values are not corrected yet.

    Args:
        pair: the label.
        side: its AUROC by both versions.
        groups: by attribute the group of each recording tested.
    """
    changes: list[Change] = []
    left_out: list[str] = []
    if "flag" in pair.outputs:
        left_out.append(f"AUROC and average precision: {WHY_NOT['flag']}")
    else:
        changes = [auroc_change(pair, side), precision_change(pair, side[0].problem or side[1].problem)]
    if brier := brier_change(pair):
        changes.append(brier)
    else:
        left_out.append("Brier score: not both versions give probabilities")
    policies = [policy_change(pair, policy) for policy in POLICIES]
    told = [(POLICIES[one.name], one.not_estimable) for one in policies if one.not_estimable]
    both_N, sample = pair.both_N, pair.sample
    return LabelChange(
        label=pair.label,
        old_output=pair.outputs[0],
        new_output=pair.outputs[1],
        identical=pair.identical,
        changes=changes,
        left_out=[*left_out, *(f"{words[0].upper()}{words[1:]}: {reason}" for words, reason in told)],
        policies=policies,
        drift=threshold_drift(pair),
        agreement=score_agreement(
            pair.score_2N[0, both_N],
            pair.score_2N[1, both_N],
            sample.patient_N[both_N],
            sample.few_PB,
            sample.config.confidence,
        ),
        output=output_change(pair),
        groups=group_changes(pair, groups),
        flips=worst_flips(pair),
    )


def _corrected(labels: Sequence[LabelChange]) -> list[LabelChange]:
    """P values corrected: over all labels' differences as one table, over all groups as another."""
    whole = _Corrected([one for label in labels for one in _whole(label)])
    parts = _Corrected([one for label in labels for group in label.groups for one in group.changes])
    told = []
    for label in labels:
        changes = whole.next(label.changes)
        policies = [one.model_copy(update={"changes": whole.next(one.changes)}) for one in label.policies]
        groups = [one.model_copy(update={"changes": parts.next(one.changes)}) for one in label.groups]
        told.append(label.model_copy(update={"changes": changes, "policies": policies, "groups": groups}))
    return told


def _whole(label: LabelChange) -> list[Change]:
    return [*label.changes, *(change for policy in label.policies for change in policy.changes)]


class _Corrected:
    """One table of changes whose p values are corrected together, handed out again in its order."""

    def __init__(self, changes: Sequence[Change]) -> None:
        adjusted = iter(benjamini_hochberg([one.p_value for one in changes if one.p_value is not None]).tolist())
        self._told = iter(
            [
                one
                if one.p_value is None
                else one.model_copy(update={"adjusted_p": next(adjusted), "correction": CORRECTION})
                for one in changes
            ]
        )

    def next(self, changes: Sequence[Change]) -> list[Change]:
        """The corrected ones in place of these, which must be the next of the table."""
        return [next(self._told) for _ in changes]


def _notes(versions: Sequence[Evaluation], pairs: Sequence[Pair], sides: Sequence[Measures]) -> list[str]:
    old, new = (one.results for one in versions)
    notes = []
    if old.model_sha256 == new.model_sha256:
        notes.append("Both versions have the same hash: they are the same model")
    if old.mode != new.mode:
        told = f"The versions were evaluated in different ways (old: {old.mode}; new: {new.mode})"
        notes.append(f"{told}: a difference may come from that")
    for name, one, other in (("old", versions[0], versions[1]), ("new", versions[1], versions[0])):
        if alone := [label for label in one.labels if label not in other.labels]:
            notes.append(f"Only the {name} version was evaluated on: {', '.join(alone)}")
    used = sum(in_macro(a) and in_macro(b) for a, b in sides)
    if used < len(sides):
        notes.append(f"Macro over {used} of {len(sides)} labels: the others cannot be measured for both versions")
    if any(not pair.problems[0] and not {"flag", "none"} & set(pair.outputs) for pair in pairs):
        notes.append("A matching threshold is read off the test part: it describes how scores moved, it is no setting")
    return notes
