"""The stress bench: the same model, the same probe, the same patients; only the recordings are broken on purpose.

The probe is fitted on the recordings of the training patients as they are and scores those of the others under each
fault. AUROC under a fault and without it are compared on common patient resamples. Every severity's scores are kept in
the run folder, so that a stopped run goes on where it was.

Legend: N recordings of the manifest, D features, L labels, B resamples, S severities.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.contract.answers import Answer, answers, notes_of
from engine.contract.config import ExternalModel, StressConfig
from engine.contract.errors import UsageError, WorldError
from engine.contract.evaluation import MODES
from engine.contract.events import EventWriter
from engine.contract.results import Estimate
from engine.contract.run import RunFolder
from engine.contract.stress import LabelStress, StressLevel, StressResults, StressSweep
from engine.data.store import Store
from engine.evaluation.embed import Embedded, Embedder, Network, derived_leads, embedder_of, widths_of
from engine.evaluation.features import embed_run, probed_layer
from engine.evaluation.flags import unranked
from engine.evaluation.judge import TestPart, tested
from engine.evaluation.opened import Opened, open_labels, read_arrays
from engine.evaluation.operating import is_flag
from engine.evaluation.own import own_scores
from engine.evaluation.probe import cross_validated
from engine.evaluation.progress import Pace
from engine.metrics.breaking import breaking_point
from engine.metrics.estimates import (
    Measured,
    auroc_estimate,
    difference_estimate,
    in_macro,
    macro_difference,
    macro_estimate,
    measure,
)
from engine.metrics.uncertainty import draw_multiplicities, patient_codes
from engine.signal.condition import model_input
from engine.signal.perturbations import Perturbation, chosen, perturbed
from engine.training.device import pick_device
from engine.zoo.external import LoadedExternal

SCORES = "stress"
"""Folder of a run where the scores under each severity are kept."""

Floats = NDArray[np.float64]
Features = NDArray[np.float32]


@dataclass(frozen=True)
class _Bench:
    """What stays the same under every fault."""

    folder: RunFolder
    config: StressConfig
    opened: Opened
    part: TestPart
    model: Network
    embedder: Embedder
    columns: slice
    answers: list[Answer]
    store: Store
    clean_ND: Features

    def scores(self, perturbation: Perturbation, severity: float, pace: Pace, done: int) -> Floats:
        """Scores of the test part under one fault, [tested, L]; taken from the run folder when they are there."""
        kept = self.folder.path / SCORES / f"{perturbation.name}@{severity:g}.npz"
        if kept.exists():
            return read_arrays(kept, "scores under stress", "Start the run again")["scores"].astype(np.float64)
        broken_ND = self.clean_ND.copy()
        for place, row in enumerate(self.part.rows_N.tolist()):
            broken_ND[row] = self._features(row, perturbation, severity)
            pace.step(done + place)
        scores = self.score(broken_ND)
        _keep(kept, scores)
        return scores

    def score(self, broken_ND: Features) -> Floats:
        """What is said of the tested recordings: by the model itself, or by a probe fitted on others as they are.

        Args:
            broken_ND: of the layer that is probed; of all outputs where the model answers itself.
        """
        if self.answers:
            layers = dict(zip(self.model.layers, _split(broken_ND, self.model), strict=True))
            return own_scores(layers, self.answers)[0][self.part.rows_N]

        def features(train_N: NDArray[np.bool_]) -> Floats:
            return np.where(train_N[:, None], self.clean_ND, broken_ND).astype(np.float64)

        told = cross_validated(features, self.opened.y_NL, self.opened.patients, self.opened.split, self.config.seed)
        return told.score_NL[self.part.rows_N]

    def _features(self, row: int, perturbation: Perturbation, severity: float) -> Features:
        """Pooled features of one recording, [D]; NaN where the model cannot take it when it is broken."""
        record_id = self.opened.record_ids[row]
        place = self.store.find(record_id)
        if place is None:
            raise WorldError(f"record {record_id}", "it is not in the store", "Import it again")
        signal_CT, rate_hz = self.store.signal(place), self.store.entry(place).rate_hz
        broken_CT, rate_hz = perturbed(signal_CT, rate_hz, perturbation, severity, record_id, self.config.seed)
        try:
            feed, derived = self.model.preprocessing, derived_leads(self.store.index_row(place))
            x_NCT = model_input(broken_CT, rate_hz, feed, derived)
        except WorldError:
            return np.full(self.clean_ND.shape[1], np.nan, dtype=np.float32)
        return self.embedder([x_NCT])[0, self.columns]


def _split(features_NF: Features, model: Network) -> list[Features]:
    return np.split(features_NF, np.cumsum(widths_of(model))[:-1], axis=1)


def _bench(folder: RunFolder, config: StressConfig, opened: Opened, embedded: Embedded, model: Network) -> _Bench:
    """What is asked under every fault: one layer for a probe, all outputs of a model that answers itself."""
    chosen, columns = [], slice(None)
    if config.mode == "own":
        if not isinstance(config.model, ExternalModel):
            reason = "it has no outputs of its own, only an embedding"
            raise UsageError(f"model {config.model.name}", reason, "Choose mode 'linear'")
        chosen = answers(config.model.name, config.model.outputs, opened.labels, config.classes)
        clean_ND = np.concatenate(list(embedded.layers.values()), axis=1)
    else:
        layer = probed_layer(model)
        ends = dict(zip(model.layers, np.cumsum(widths_of(model)).tolist(), strict=True))
        clean_ND = embedded.layers[layer]
        columns = slice(ends[layer] - clean_ND.shape[1], ends[layer])
    return _Bench(
        folder=folder,
        config=config,
        opened=opened,
        part=tested(opened),
        model=model,
        embedder=embedder_of(model, pick_device(config.device), config.batch_size),
        columns=columns,
        answers=chosen,
        store=Store.open(Path(config.store)),
        clean_ND=clean_ND,
    )


def run(folder: RunFolder, config: StressConfig, events: EventWriter) -> StressResults:
    """Break the test part in every chosen way.

    Raises:
        WorldError: labels, model or recordings are missing or damaged.
        UsageError: a fault that nobody knows.
        Stopped: somebody asked; the severities that are done are kept.
    """
    began = time.monotonic()
    faults, opened = chosen(config.faults), open_labels(folder, config.labels)
    embedded, model = embed_run(folder, config, events, opened.record_ids)
    with model.opened() if isinstance(model, LoadedExternal) else nullcontext():
        bench = _bench(folder, config, opened, embedded, model)
        judge = _Judge(bench, bench.score(bench.clean_ND))
        sweeps = _sweeps(bench, judge, faults, events)
    rows = bench.part.rows_N
    return StressResults(
        model=config.model.name,
        model_sha256=model.sha256,
        mode=MODES[config.mode],
        clean=judge.macro(judge.clean),
        sweeps=sweeps,
        split_id=config.split_id,
        test_sha256=bench.part.sha256,
        records=len(rows),
        patients=len({opened.patients[row] for row in rows}),
        refused=int((~np.isfinite(bench.clean_ND[rows]).all(axis=1)).sum()),
        notes=[*notes_of(bench.answers), *_notes(sweeps)],
        seed=config.seed,
        resamples=config.resamples,
        seconds=round(time.monotonic() - began, 3),
    )


def _sweeps(bench: _Bench, judge: _Judge, faults: list[Perturbation], events: EventWriter) -> list[StressSweep]:
    levels, records = sum(len(fault.severities) for fault in faults), len(bench.part.rows_N)
    pace = Pace(bench.folder, events, "records", "breaking recordings", levels * records)
    sweeps, done = [], 0
    for fault in faults:
        told, change_SB = [], []
        for severity in fault.severities:
            scores = bench.scores(fault, severity, pace, done)
            done += records
            pace.step(done)
            level, change_B = judge.level(severity, scores)
            told.append(level)
            change_SB.append(change_B)
        sweeps.append(_sweep(bench.config, fault, told, np.array(change_SB)))
    return sweeps


def _sweep(config: StressConfig, fault: Perturbation, levels: list[StressLevel], change_SB: Floats) -> StressSweep:
    breaking = None
    if fault.graded:
        changes = [level.change for level in levels]
        breaking = breaking_point(fault.severities, changes, change_SB, config.margin, config.confidence)
    return StressSweep(
        name=fault.name,
        group=fault.group,
        title=fault.title,
        unit=fault.unit,
        note=fault.note,
        levels=levels,
        breaking=breaking,
    )


class _Judge:
    """Statistics of one test part under every fault, on the same patient resamples."""

    def __init__(self, bench: _Bench, clean_NL: Floats) -> None:
        rows = bench.part.rows_N
        self._labels, self._confidence = bench.opened.labels, bench.config.confidence
        self._y_NL, self._clean_NL = bench.opened.y_NL[rows], clean_NL
        self._codes_N, patients = patient_codes([bench.opened.patients[row] for row in rows])
        self._weight_PB = draw_multiplicities(patients, bench.config.resamples, bench.config.seed)
        self._flag_L = [is_flag(clean_N) for clean_N in clean_NL.T]
        self.clean = self._measured(clean_NL, clean_NL)

    def level(self, severity: float, score_NL: Floats) -> tuple[StressLevel, Floats]:
        """What one severity does, and the change of the macro AUROC in every resample."""
        broken = self._measured(score_NL, self._clean_NL)
        whole = self.clean if _same_rows(score_NL, self._clean_NL) else self._measured(self._clean_NL, score_NL)
        pairs = list(zip(broken, whole, strict=True))
        labels = [
            LabelStress(
                label=label,
                auroc=auroc_estimate(pair[0], self._confidence),
                change=difference_estimate(*pair, self._confidence),
            )
            for label, pair in zip(self._labels, pairs, strict=True)
        ]
        change = macro_difference(pairs, *self._counts(broken), self._confidence)
        level = StressLevel(severity=severity, macro=self.macro(broken), change=change, labels=labels)
        used = [a.resampled_B - b.resampled_B for a, b in pairs if in_macro(a) and in_macro(b)]
        change_B = np.mean(used, axis=0) if used else np.full(self._weight_PB.shape[1], np.nan)
        return level, change_B

    def macro(self, measured: list[Measured]) -> Estimate:
        """Mean AUROC over the labels."""
        return macro_estimate(measured, *self._counts(measured), self._confidence)

    def _measured(self, score_NL: Floats, other_NL: Floats) -> list[Measured]:
        """Every label, on the recordings that both scores know; flags have no ranking to lose."""
        found = [
            measure(np.where(np.isfinite(other_N), y_N, np.nan), score_N, self._codes_N, self._weight_PB)
            for y_N, score_N, other_N in zip(self._y_NL.T, score_NL.T, other_NL.T, strict=True)
        ]
        return [unranked(one) if flag else one for one, flag in zip(found, self._flag_L, strict=True)]

    def _counts(self, measured: list[Measured]) -> tuple[int, int]:
        """Recordings and patients of the label that most are known of: those that the macro rests on at most."""
        fullest = max(measured, key=lambda one: one.records)
        return fullest.records, fullest.patients


def _same_rows(one_NL: Floats, other_NL: Floats) -> bool:
    return bool(np.array_equal(np.isfinite(one_NL), np.isfinite(other_NL)))


def _notes(sweeps: list[StressSweep]) -> list[str]:
    notes = [
        "Faults are made by this program, none was recorded: a real one may do more harm, or other harm",
        "The probe was fitted on whole recordings; one that is fitted on broken ones as well may hold longer",
    ]
    blind = [sweep.title.lower() for sweep in sweeps if all(level.macro.value is None for level in sweep.levels)]
    return [*notes, f"The model cannot be judged under: {', '.join(blind)}"] if blind else notes


def _keep(path: Path, scores: Floats) -> None:
    """Write scores whole or not at all."""
    try:
        path.parent.mkdir(exist_ok=True)
        draft = path.with_suffix(".tmp")
        with draft.open("wb") as file:
            np.savez(file, scores=scores)
        draft.replace(path)
    except OSError as error:
        reason = f"scores cannot be written ({error.strerror or type(error).__name__})"
        raise WorldError("run folder", reason, "Free some space, then resume the run") from None
