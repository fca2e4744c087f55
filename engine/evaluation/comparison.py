"""Models against each other: paired differences on common recordings and resamples, ranks, and a look inside.

Legend: N recordings of the test part, L labels, M models, D features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file

from engine.contract.config import CompareConfig
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter
from engine.contract.ranking import Ranking
from engine.contract.results import CKA, Difference, EvaluateResults, parse_results
from engine.contract.run import RunFolder
from engine.contract.similarity import EmbeddingSpread
from engine.evaluation.flags import FLAGS, unranked
from engine.evaluation.further_differences import corrected, further_differences
from engine.evaluation.inside import Embedded, similarities, spreads
from engine.evaluation.opened import Opened, label_digests, read_arrays
from engine.evaluation.progress import Pace
from engine.metrics.cka import Patients
from engine.metrics.estimates import Measured, difference_estimate, difference_p, in_macro, macro_difference, measure
from engine.metrics.ranking import Task, rank_models
from engine.metrics.uncertainty import draw_multiplicities, patient_codes

Floats = NDArray[np.float64]
Layers = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Evaluation:
    """A finished evaluation run: results, scores, and the features of its model, if it has any.

    Attributes:
        record_ids: recordings of the test part, in the order of scores and features.
        score_NL: NaN where missing.
        arrays: what else stands beside the scores: probabilities, thresholds, predictions.
        layers: [N, D] a layer; empty for scores of others and for age + sex.
    """

    name: str
    results: EvaluateResults
    record_ids: list[str]
    labels: list[str]
    score_NL: Floats
    layers: Layers
    arrays: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, name: str, *, scores_alone: bool = False) -> Evaluation:
        """Read a run folder, without the features of its model where its scores alone are asked for.

        Raises:
            WorldError: it holds no finished evaluation, or a damaged one.
        """
        thing, again = f"evaluation of {name}", "Run the evaluation again"
        try:
            results = parse_results((path / "results.json").read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ValidationError):
            raise WorldError(thing, "it has no results that can be read", again) from None
        if not isinstance(results, EvaluateResults):
            raise WorldError(thing, f"its folder holds a run of kind {results.kind}", "Name an evaluation")
        arrays = read_arrays(path / "predictions.npz", f"scores of the {thing}", again)
        layers: Layers = {}
        if results.layers and not scores_alone:
            try:
                found = load_file(path / "features.safetensors")
                layers = {layer: found[layer] for layer in results.layers}
            except (OSError, SafetensorError, KeyError):
                raise WorldError(thing, "the features of its model cannot be read", again) from None
        scores = arrays["scores"].astype(np.float64)
        return cls(name, results, arrays["record_id"].tolist(), arrays["labels"].tolist(), scores, layers, arrays)

    def scores(self, record_ids: Sequence[str], label: str) -> Floats:
        """Scores of one label for these recordings; NaN where there is none."""
        return self.told(record_ids, "scores", label)

    def measured(self, label: str, y_N: Floats, score_N: Floats, patients: Patients) -> Measured:
        """One label on some recordings; without a ranking where its answers are flags."""
        found = measure(y_N, score_N, patients.code_N, patients.weight_PB)
        return unranked(found) if label in self._flags else found

    @cached_property
    def _flags(self) -> frozenset[str]:
        return frozenset(one.label for one in self.results.labels if one.judged_as in FLAGS)

    def told(self, record_ids: Sequence[str], array: str, name: str) -> Floats:
        """One column of an array for these recordings; NaN where there is none.

        Args:
            record_ids: whose.
            array: "scores", "probabilities", "thresholds" (columns are labels) or "predictions" (targets).
            name: of the label or target.
        """
        value_NC = self.score_NL if array == "scores" else self.arrays.get(array)
        columns = [str(one) for one in self.arrays.get("targets", ())] if array == "predictions" else self.labels
        if value_NC is None or name not in columns:
            return np.full(len(record_ids), np.nan)
        place = {record_id: row for row, record_id in enumerate(self.record_ids)}
        rows = np.array([place.get(record_id, -1) for record_id in record_ids])
        return np.where(rows < 0, np.nan, value_NC[rows, columns.index(name)].astype(np.float64))


@dataclass(frozen=True)
class Compared:
    """What a comparison finds."""

    differences: list[Difference]
    further: list[Difference]
    ranking: Ranking | None
    cka: list[CKA]
    spread: list[EmbeddingSpread]
    notes: list[str]


def compare(
    folder: RunFolder, config: CompareConfig, events: EventWriter, opened: Opened, evaluations: Sequence[Evaluation]
) -> Compared:
    """Compare the first evaluation, that of the model examined, with every other.

    Raises:
        WorldError: the evaluations are not of one test part, or not of this run's recordings or labels.
    """
    refuse_other_test_parts(evaluations, opened)
    rows = rows_of(opened, evaluations[0].record_ids)
    refuse_other_labels(evaluations, label_digests(opened, rows))
    codes_N, count = patient_codes([opened.patients[row] for row in rows])
    patients = Patients(codes_N, draw_multiplicities(count, config.resamples, config.seed))
    pace = Pace(folder, events, "models", "paired differences", len(evaluations) - 1)
    differences, notes = _differences(config, opened, rows, patients, evaluations, pace.step)
    further = further_differences(config, opened, rows, patients, evaluations)
    ranking = _ranking(config, opened, rows, patients, evaluations) if opened.labels else None
    layered = [Embedded(one.name, one.record_ids, one.layers) for one in evaluations if one.layers]
    cka = similarities(
        layered,
        patients,
        rbf_share=config.cka_width if config.cka_kernel == "rbf" else None,
        confidence=config.confidence,
        seed=config.seed,
        on_pair=Pace(folder, events, "models", "similarity of layers", len(layered)).step,
    )
    return Compared(
        corrected(differences, config), further, ranking, cka, spreads(layered, patients, config.confidence), notes
    )


def refuse_other_test_parts(evaluations: Sequence[Evaluation], opened: Opened) -> None:
    """Numbers are held together on one test part alone, and on the labels of this run. Raises WorldError."""
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


def refuse_other_labels(evaluations: Sequence[Evaluation], digests: Mapping[str, str]) -> None:
    """A difference between two figures and the figures themselves must rest on the same labels. Raises WorldError."""
    for evaluation in evaluations:
        told = evaluation.results.labels_sha256
        changed = [label for label, digest in digests.items() if told.get(label, digest) != digest]
        if changed:
            raise WorldError(
                f"evaluation of {evaluation.name}",
                f"labels have changed since then: {', '.join(changed)}",
                "Evaluate the models again, then compare the new evaluations",
            )


def rows_of(opened: Opened, record_ids: Sequence[str]) -> NDArray[np.intp]:
    """Places in the manifest of the recordings of the test part."""
    place = {record_id: row for row, record_id in enumerate(opened.record_ids)}
    return np.array([place[record_id] for record_id in record_ids], dtype=np.intp)


def _differences(
    config: CompareConfig,
    opened: Opened,
    rows: NDArray[np.intp],
    patients: Patients,
    evaluations: Sequence[Evaluation],
    on_model: Callable[[int], None],
) -> tuple[list[Difference], list[str]]:
    """Examined minus other, per label and macro, on the recordings that both scored."""
    examined, record_ids = evaluations[0], evaluations[0].record_ids
    codes_N, differences, notes = patients.code_N, [], []
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
            pair = (
                examined.measured(label, masked_N, ours_N, patients),
                other.measured(label, masked_N, theirs_N, patients),
            )
            pairs.append(pair)
            estimate = difference_estimate(*pair, config.confidence)
            differences.append(
                Difference(
                    model=examined.name,
                    reference=other.name,
                    label=label,
                    estimate=estimate,
                    p_value=difference_p([pair]),
                )
            )
        known = len(np.unique(codes_N[shared_N]))
        macro = macro_difference(pairs, int(shared_N.sum()), known, config.confidence)
        differences.append(
            Difference(
                model=examined.name,
                reference=other.name,
                label="macro",
                estimate=macro,
                p_value=difference_p(pairs),
            )
        )
        used = sum(in_macro(a) and in_macro(b) for a, b in pairs)
        if 0 < used < len(pairs):
            notes.append(f"{examined.name} against {other.name}: macro over {used} of {len(pairs)} labels")
        on_model(number)
    return differences, notes


def _ranking(
    config: CompareConfig,
    opened: Opened,
    rows: NDArray[np.intp],
    patients: Patients,
    evaluations: Sequence[Evaluation],
) -> Ranking:
    """Ranks over the labels as tasks, each on the recordings that all models scored."""
    record_ids = evaluations[0].record_ids
    tasks = []
    for column, label in enumerate(opened.labels):
        score_MN = np.stack([one.scores(record_ids, label) for one in evaluations])
        known_N = np.isfinite(score_MN).all(axis=0)
        y_N = np.where(known_N, opened.y_NL[rows, column], np.nan)
        found = [
            one.measured(label, y_N, score_N, patients) for one, score_N in zip(evaluations, score_MN, strict=True)
        ]
        value_M = np.array([np.nan if one.value is None else one.value for one in found])
        tasks.append(Task(label, "labels", value_M, np.stack([one.resampled_B for one in found])))
    return rank_models([one.name for one in evaluations], tasks, "median", config.confidence)
