"""What happens when one item of the preprocessing contract is wrong: would anybody notice, and what does it cost?

The item whose violation leaves outputs that look like any others and tell less is the dangerous one: a hospital that
feeds it wrong works with a worse model and does not know.

Shapes: R recordings that items are broken on, N recordings of the run, L labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.contract.answers import Answer, answers
from engine.contract.card import Output
from engine.contract.evaluation import MODES
from engine.contract.vetting import Sensitivity, SensitivityItem, VetConfig
from engine.evaluation.opened import Opened
from engine.evaluation.own import own_scores
from engine.evaluation.probe import cross_validated
from engine.evaluation.vetting.bench import Bench, Numbers, Places
from engine.evaluation.vetting.changes import change_of, looked_at
from engine.evaluation.vetting.contract_faults import FAULTS, ContractFault
from engine.evaluation.vetting.losses import Losses
from engine.evaluation.vetting.verdicts import Seen, verdict

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """How numbers of recordings become scores of labels.

    Attributes:
        mode: for people.
        scores: of the tested recordings, from their numbers, [R, L].
        notes: what a reader must know.
    """

    mode: str
    scores: Callable[[Numbers], Floats]
    notes: list[str]


def measure_sensitivity(config: VetConfig, bench: Bench, places: Places, opened: Opened | None) -> Sensitivity:
    """Break every item that can be broken.

    Args:
        config: what was asked.
        bench: model and recordings.
        places: of the recordings on which items are broken.
        opened: labels of the run, in the order of the bench's recordings; None without labels.
    """
    tried = [fault for fault in FAULTS if not fault.idle(bench.model.preprocessing, bench.recordings.usual)]
    bench.pace.total = len(places) * (len(tried) + 1)
    right = bench.numbers(None, places)
    scored = None if opened is None else _scored(config, bench, places, opened)
    losses = None
    if scored is not None and opened is not None:
        patients = [opened.patients[place] for place in places.tolist()]
        told = config.resamples, config.confidence, config.seed
        losses = Losses(opened.labels, opened.y_NL[places], patients, scored.scores(right), *told)
    judge = _Judge(config, bench, right, scored, losses)
    items = [
        judge.item(fault, bench.numbers(fault, places)) if fault in tried else _idle(fault, bench) for fault in FAULTS
    ]
    taken = places[~right.refused_R]
    return Sensitivity(
        records=len(taken),
        patients=len({bench.recordings.patients[place] for place in taken.tolist()}),
        where=bench.recordings.where,
        mode=scored.mode if scored else "",
        clean=losses.clean() if losses else None,
        loss=config.loss,
        items=items,
        notes=_notes(bench, right, scored),
    )


@dataclass(frozen=True)
class _Judge:
    """All that stays the same under every item."""

    config: VetConfig
    bench: Bench
    right: Numbers
    scored: Scored | None
    losses: Losses | None

    def item(self, fault: ContractFault, wrong: Numbers) -> SensitivityItem:
        """What one item did."""
        outputs = self.bench.model.outputs
        known = _known(self.bench, self.right, outputs)
        taken = ~self.right.refused_R
        seen = Seen(
            records=int(taken.sum()),
            refused=int((taken & wrong.refused_R).sum()),
            lost=int((known & ~wrong.refused_R & ~_known(self.bench, wrong, outputs)).sum()),
            change=change_of(outputs, self.bench.layers(self.right.features_RF), self.bench.layers(wrong.features_RF)),
            loss=self.losses.of(self.scored.scores(wrong), self.config.loss) if self.losses and self.scored else None,
        )
        word, why = verdict(seen, self.config.loss)
        change, loss = seen.change, seen.loss
        return SensitivityItem(
            name=fault.name,
            field=fault.field,
            title=fault.title,
            verdict=word,
            why=why,
            refused=seen.refused,
            lost=seen.lost,
            spearman=change.spearman if change else None,
            shift=change.shift if change else None,
            changed_calls=change.changed_calls if change else None,
            macro=loss.macro if loss else None,
            change=loss.change if loss else None,
            labels=loss.labels if loss else [],
        )


def _known(bench: Bench, numbers: Numbers, outputs: Sequence[Output]) -> NDArray[np.bool_]:
    """Recordings of which every output that is looked at is a number."""
    layers = bench.layers(numbers.features_RF)
    values_RK = np.concatenate([layers[one.name] for one in looked_at(outputs)], axis=1)
    return np.asarray(np.isfinite(values_RK).all(axis=1))


def _idle(fault: ContractFault, bench: Bench) -> SensitivityItem:
    why = fault.idle(bench.model.preprocessing, bench.recordings.usual)
    return SensitivityItem(name=fault.name, field=fault.field, title=fault.title, verdict="not tried", why=why)


def _scored(config: VetConfig, bench: Bench, places: Places, opened: Opened) -> Scored:
    """By the model's own outputs where it has answers, else by a probe of its first embedding.

    Raises:
        UsageError: a label is answered by no class of the model, or by several.
    """
    outputs = bench.model.outputs
    if any(output.kind != "embedding" for output in outputs):
        chosen = answers(bench.model.name, outputs, opened.labels, config.classes)
        return Scored(MODES["own"], lambda told: _own(bench, chosen, told), [])
    every = np.arange(len(opened.record_ids), dtype=np.intp)
    rest = np.setdiff1d(every, places)
    bench.pace.total += len(every)
    return _probe(config, bench, places, opened, _together(bench, places, rest))


def _own(bench: Bench, chosen: list[Answer], told: Numbers) -> Floats:
    layers = {name: values.astype(np.float32) for name, values in bench.layers(told.features_RF).items()}
    return own_scores(layers, chosen)[0]


def _together(bench: Bench, places: Places, rest: Places) -> Numbers:
    """Numbers of all recordings with nothing broken, from those that are tested and those that train."""
    right, others = bench.numbers(None, places), bench.numbers(None, rest, "training")
    size = len(places) + len(rest)
    features_NF = np.empty((size, right.features_RF.shape[1]), dtype=np.float32)
    refused_N = np.empty(size, dtype=np.bool_)
    for chosen, part in ((places, right), (rest, others)):
        features_NF[chosen], refused_N[chosen] = part.features_RF, part.refused_R
    return Numbers(features_NF, refused_N)


def _probe(config: VetConfig, bench: Bench, places: Places, opened: Opened, whole: Numbers) -> Scored:
    """A linear probe that is fitted with the contract right and scores with an item wrong."""
    name = bench.model.outputs[0].name
    clean_ND = bench.layers(whole.features_RF)[name]

    def scores(told: Numbers) -> Floats:
        broken_ND = clean_ND.copy()
        broken_ND[places] = bench.layers(told.features_RF)[name]

        def features(train_N: NDArray[np.bool_]) -> Floats:
            return np.where(train_N[:, None], clean_ND, broken_ND)

        found = cross_validated(features, opened.y_NL, opened.patients, opened.split, config.seed)
        return found.score_NL[places]

    note = f"A linear probe of its output '{name}' was fitted on recordings that are fed as the contract says"
    return Scored(MODES["linear"], scores, [note])


def _notes(bench: Bench, right: Numbers, scored: Scored | None) -> list[str]:
    notes = ["Items are made wrong by this program, one at a time; a hospital may get several wrong at once"]
    if refused := int(right.refused_R.sum()):
        notes.append(f"{refused:,} recordings cannot be fed with the contract as it stands, and are left out")
    if scored is None:
        notes.append("Without labels it can be told that outputs change, not whether they are worse")
    if len(right.refused_R) < 100:
        notes.append(f"On {len(right.refused_R):,} recordings small changes of order cannot be told from none")
    return [*notes, *(scored.notes if scored else [])]
