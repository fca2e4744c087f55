"""The golden ECGs through contract and model: what was fed, what came out, and the hashes of both.

Shapes: N windows, C leads, L samples, K classes or features.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.contract.card import Output, Preprocessing
from engine.contract.errors import WorldError
from engine.contract.vetting import Golden, GoldenAnswer
from engine.data.golden import GoldenECG, golden_sha256
from engine.evaluation.vetting.subject import Raw, Subject, Windows, of_the_machine
from engine.signal.condition import model_input
from engine.zoo.external import LoadedExternal
from engine.zoo.readout import read_out

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Fed:
    """A golden ECG as the contract makes it: its windows x_NCL, or why there are none."""

    name: str
    x_NCL: Windows | None
    refused: str = ""


@dataclass(frozen=True)
class Answered:
    """What the model says of one golden ECG.

    Attributes:
        raw: what it put out for each window, [N, ...] an output.
        numbers: of the recording, [K] an output, as the card makes them.
    """

    name: str
    x_NCL: Windows
    raw: Raw
    numbers: dict[str, Floats]


def fed(golden: Sequence[GoldenECG], feed: Preprocessing) -> list[Fed]:
    """What the model is fed of each golden ECG."""
    told = []
    for one in golden:
        try:
            told.append(Fed(one.name, model_input(one.signal_CT, one.rate_hz, feed)))
        except WorldError as error:
            told.append(Fed(one.name, None, error.reason))
    return told


def answered(subject: Subject, model: LoadedExternal, fed_ones: Sequence[Fed]) -> tuple[list[Answered], list[Fed]]:
    """Run the model on what can be fed: what it answers, and all ECGs with those that it fails on as refused."""
    given = [one for one in fed_ones if one.x_NCL is not None]
    try:
        return _together(subject, model, given), list(fed_ones)
    except WorldError as error:
        if of_the_machine(error):
            raise
    told, failed = [], {}
    for one in given:  # it fails on some of them: find out on which
        try:
            told += _together(subject, model, [one])
        except WorldError as error:
            failed[one.name] = error.reason
    return told, [Fed(one.name, None, failed[one.name]) if one.name in failed else one for one in fed_ones]


def _together(subject: Subject, model: LoadedExternal, given: Sequence[Fed]) -> list[Answered]:
    windows = [(one.name, one.x_NCL) for one in given if one.x_NCL is not None]
    if not windows:
        return []
    whole = subject.raw(np.concatenate([x_NCL for _, x_NCL in windows]))
    ends = np.cumsum([len(x_NCL) for _, x_NCL in windows])
    told = []
    for (name, x_NCL), end in zip(windows, ends.tolist(), strict=True):
        raw = {output: array[end - len(x_NCL) : end] for output, array in whole.items()}
        told.append(Answered(name, x_NCL, raw, numbers_of(raw, model, len(x_NCL))))
    return told


def numbers_of(raw: Raw, model: LoadedExternal, windows: int) -> dict[str, Floats]:
    """Numbers of a recording, [K] an output; outputs that cannot be read as the card says are left out."""
    told = {}
    for output in model.outputs:
        if output.name not in raw:
            continue
        try:
            part_NK = read_out(raw[output.name], output, windows, f"model {model.name}")
        except WorldError:
            continue  # a finding tells it
        by_maximum = model.preprocessing.aggregation.startswith("maximum")
        told[output.name] = part_NK.max(axis=0) if by_maximum else part_NK.mean(axis=0)
    return told


def golden_page(
    golden: Sequence[GoldenECG], fed_ones: Sequence[Fed], told: Sequence[Answered], outputs: Sequence[Output]
) -> Golden:
    """The page of results: values of all but embeddings, and the hashes of what went in and came out."""
    by_name = {one.name: one for one in told}
    answers = [
        _answer(by_name[one.name], outputs)
        if one.name in by_name
        else GoldenAnswer(name=one.name, refused=one.refused or "the model does not run")
        for one in fed_ones
    ]
    return Golden(sha256=golden_sha256(golden), answers=answers)


def keep_answers(path: Path, told: Sequence[Answered]) -> None:
    """Keep the numbers of every golden ECG, embeddings included, as "RECORD/OUTPUT" [K]; raises OSError."""
    with path.open("wb") as file:
        arrays = {f"{one.name}/{name}": values for one in told for name, values in one.numbers.items()}
        np.savez(file, **arrays)  # type: ignore[arg-type]  # the stubs take a name for allow_pickle


def _answer(one: Answered, outputs: Sequence[Output]) -> GoldenAnswer:
    digest = hashlib.sha256()
    for output in outputs:
        if output.name in one.numbers:
            digest.update(np.asarray(one.numbers[output.name], dtype="<f4").tobytes())
    return GoldenAnswer(
        name=one.name,
        windows=len(one.x_NCL),
        input_sha256=hashlib.sha256(np.ascontiguousarray(one.x_NCL, dtype="<f4").tobytes()).hexdigest(),
        output_sha256=digest.hexdigest(),
        values={
            output.name: {
                name: float(value) if np.isfinite(value) else None
                for name, value in zip(output.classes, one.numbers[output.name], strict=True)
            }
            for output in outputs
            if output.classes and output.name in one.numbers
        },
    )
