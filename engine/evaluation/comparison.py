"""One model against others: paired differences on common recordings and common resamples, and CKA of their layers.

Legend: N recordings of the test part, L labels, D features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file

from engine.contract.config import CompareConfig
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter
from engine.contract.results import CKA, Difference, EvaluateResults, parse_results
from engine.contract.run import RunFolder
from engine.evaluation.opened import Opened, label_digests, read_arrays
from engine.evaluation.progress import Pace
from engine.metrics.cka import similarity
from engine.metrics.estimates import difference_estimate, in_macro, macro_difference, measure
from engine.metrics.uncertainty import draw_multiplicities, patient_codes

Floats = NDArray[np.float64]
Layers = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Evaluation:
    """A finished evaluation run: results, scores, and the features of its model, if it has any.

    Attributes:
        record_ids: recordings of the test part, in the order of scores and features.
        score_NL: NaN where missing.
        layers: [N, D] a layer; empty for scores of others and for age + sex.
    """

    name: str
    results: EvaluateResults
    record_ids: list[str]
    labels: list[str]
    score_NL: Floats
    layers: Layers

    @classmethod
    def read(cls, path: Path, name: str) -> Evaluation:
        """Read a run folder. Raises WorldError when it holds no finished evaluation, or a damaged one."""
        thing, again = f"evaluation of {name}", "Run the evaluation again"
        try:
            results = parse_results((path / "results.json").read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ValidationError):
            raise WorldError(thing, "it has no results that can be read", again) from None
        if not isinstance(results, EvaluateResults):
            raise WorldError(thing, f"its folder holds a run of kind {results.kind}", "Name an evaluation")
        arrays = read_arrays(path / "predictions.npz", f"scores of the {thing}", again)
        layers: Layers = {}
        if results.layers:
            try:
                found = load_file(path / "features.safetensors")
                layers = {layer: found[layer] for layer in results.layers}
            except (OSError, SafetensorError, KeyError):
                raise WorldError(thing, "the features of its model cannot be read", again) from None
        scores = arrays["scores"].astype(np.float64)
        return cls(name, results, arrays["record_id"].tolist(), arrays["labels"].tolist(), scores, layers)

    def scores(self, record_ids: Sequence[str], label: str) -> Floats:
        """Scores of one label for these recordings; NaN where there is none."""
        if label not in self.labels:
            return np.full(len(record_ids), np.nan)
        column = self.labels.index(label)
        place = {record_id: row for row, record_id in enumerate(self.record_ids)}
        rows = [place.get(record_id, -1) for record_id in record_ids]
        return np.where(np.array(rows) < 0, np.nan, self.score_NL[rows, column])


@dataclass(frozen=True)
class Compared:
    """What a comparison finds."""

    differences: list[Difference]
    cka: list[CKA]
    notes: list[str]


def compare(
    folder: RunFolder, config: CompareConfig, events: EventWriter, opened: Opened, evaluations: Sequence[Evaluation]
) -> Compared:
    """Compare the first evaluation, that of the model examined, with every other.

    Raises:
        WorldError: the evaluations are not of one test part, or not of this run's recordings or labels.
    """
    _refuse_other_test_parts(evaluations, opened)
    rows = _rows(opened, evaluations[0].record_ids)
    _refuse_other_labels(evaluations, label_digests(opened, rows))
    pace = Pace(folder, events, "models", "paired differences", len(evaluations) - 1)
    differences, notes = _differences(config, opened, rows, evaluations, pace.step)
    return Compared(differences, _similarities(evaluations), notes)


def _refuse_other_test_parts(evaluations: Sequence[Evaluation], opened: Opened) -> None:
    examined = evaluations[0]
    for other in evaluations[1:]:
        if other.results.test_sha256 != examined.results.test_sha256:
            raise WorldError(
                f"comparison of {examined.name} with {other.name}",
                "they were evaluated on different recordings or folds",
                "Evaluate both on one cohort",
            )
    if not set(examined.record_ids) <= set(opened.record_ids):
        raise WorldError("comparison", "the evaluations hold recordings outside its cohort", "Compare on their cohort")


def _refuse_other_labels(evaluations: Sequence[Evaluation], digests: Mapping[str, str]) -> None:
    """A difference between two figures and the figures themselves must rest on the same labels."""
    for evaluation in evaluations:
        told = evaluation.results.labels_sha256
        changed = [label for label, digest in digests.items() if told.get(label, digest) != digest]
        if changed:
            raise WorldError(
                f"evaluation of {evaluation.name}",
                f"labels have changed since then: {', '.join(changed)}",
                "Evaluate the models again, then compare the new evaluations",
            )


def _rows(opened: Opened, record_ids: Sequence[str]) -> NDArray[np.intp]:
    """Places in the manifest of the recordings of the test part."""
    place = {record_id: row for row, record_id in enumerate(opened.record_ids)}
    return np.array([place[record_id] for record_id in record_ids], dtype=np.intp)


def _differences(
    config: CompareConfig,
    opened: Opened,
    rows: NDArray[np.intp],
    evaluations: Sequence[Evaluation],
    on_model: Callable[[int], None],
) -> tuple[list[Difference], list[str]]:
    """Examined minus other, per label and macro, on the recordings that both scored."""
    examined, record_ids = evaluations[0], evaluations[0].record_ids
    codes_N, count = patient_codes([opened.patients[row] for row in rows])
    weight_PB = draw_multiplicities(count, config.resamples, config.seed)
    differences, notes = [], []
    for number, other in enumerate(evaluations[1:], 1):
        pairs, shared_N = [], np.zeros(len(rows), dtype=bool)
        for column, label in enumerate(opened.labels):
            y_N, ours_N, theirs_N = (
                opened.y_NL[rows, column],
                examined.scores(record_ids, label),
                other.scores(record_ids, label),
            )
            common_N = np.isfinite(y_N) & np.isfinite(ours_N) & np.isfinite(theirs_N)
            shared_N |= common_N
            masked_N = np.where(common_N, y_N, np.nan)
            pair = measure(masked_N, ours_N, codes_N, weight_PB), measure(masked_N, theirs_N, codes_N, weight_PB)
            pairs.append(pair)
            estimate = difference_estimate(*pair, config.confidence)
            differences.append(Difference(model=examined.name, reference=other.name, label=label, estimate=estimate))
        patients = len(np.unique(codes_N[shared_N]))
        macro = macro_difference(pairs, int(shared_N.sum()), patients, config.confidence)
        differences.append(Difference(model=examined.name, reference=other.name, label="macro", estimate=macro))
        used = sum(in_macro(a) and in_macro(b) for a, b in pairs)
        if 0 < used < len(pairs):
            notes.append(f"{examined.name} against {other.name}: macro over {used} of {len(pairs)} labels")
        on_model(number)
    return differences, notes


def _similarities(evaluations: Sequence[Evaluation]) -> list[CKA]:
    """CKA of the first model with layers with itself and with every other, on recordings that both embedded."""
    layered = [evaluation for evaluation in evaluations if evaluation.layers]
    return [_similarity(layered[0], other) for other in layered] if layered else []


def _similarity(first: Evaluation, other: Evaluation) -> CKA:
    place = {record_id: row for row, record_id in enumerate(other.record_ids)}
    rows = [place[record_id] for record_id in first.record_ids]
    theirs = {name: x_ND[rows] for name, x_ND in other.layers.items()}
    whole_N = np.all([np.isfinite(x_ND).all(axis=1) for x_ND in [*first.layers.values(), *theirs.values()]], axis=0)
    return similarity(
        (first.name, other.name),
        {name: x_ND[whole_N] for name, x_ND in first.layers.items()},
        {name: x_ND[whole_N] for name, x_ND in theirs.items()},
    )
