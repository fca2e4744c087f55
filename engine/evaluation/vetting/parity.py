"""The parity certificate: our numbers against those that the vendor's own program gives on the same golden ECGs.

Legend: N windows, C leads, L samples, K classes or features.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.contract.card import ModelCard, Output, Preprocessing
from engine.contract.errors import WorldError
from engine.contract.version import VERSION
from engine.contract.vetting import InputParity, OutputParity, ParityCertificate, ParityVerdict
from engine.data.reference_outputs import Reference
from engine.evaluation.vetting.golden_run import Answered, numbers_of
from engine.evaluation.vetting.input_hints import hint
from engine.evaluation.vetting.subject import Subject, Windows
from engine.zoo.external import LoadedExternal

Floats = NDArray[np.float64]
Source = Literal["our input", "the vendor's input"]

SMALL = 1e-3
"""Share of the range below which a reference is too near to zero for a relative difference to mean anything."""

PACKAGES = ("numpy", "scipy", "torch", "onnxruntime")


@dataclass
class _Gaps:
    """Differences of one output, gathered over the golden ECGs."""

    ours: list[Floats] = field(default_factory=list)
    theirs: list[Floats] = field(default_factory=list)
    where: list[str] = field(default_factory=list)
    records: int = 0

    def add(self, record: str, ours: Floats, theirs: Floats, classes: Sequence[str]) -> None:
        """Take in one recording; places without a reference are left out."""
        known = np.isfinite(theirs)
        self.records += 1
        self.ours.append(ours[known])
        self.theirs.append(theirs[known])
        last = np.broadcast_to(np.arange(theirs.shape[-1]), theirs.shape)[known].tolist()
        self.where += [f"{record}, {classes[place] if place < len(classes) else f'place {place}'}" for place in last]

    def page(
        self, output: Output, compared: Literal["recordings", "windows"], fed: Source, share: float
    ) -> OutputParity:
        """The largest differences. A number that is none on our side counts as the whole range."""
        ours, theirs = np.concatenate(self.ours), np.concatenate(self.theirs)
        spread = float(np.ptp(theirs))
        extent = max(spread, 1.0) if output.judged_as == "probability" else spread or float(np.abs(theirs).max()) or 1.0
        gap = np.where(np.isfinite(ours), np.abs(ours - theirs), extent)
        large = np.abs(theirs) > SMALL * extent
        relative = float((gap[large] / np.abs(theirs[large])).max()) if large.any() else None
        worst = int(np.argmax(gap))
        return OutputParity(
            output=output.name,
            compared=compared,
            fed=fed,
            records=self.records,
            values=len(gap),
            largest_absolute=float(gap[worst]),
            largest_relative=relative,
            worst=self.where[worst],
            range=extent,
            limit=share * extent,
            met=bool(gap[worst] <= share * extent),
        )


@dataclass
class Comparison:
    """What was compared, and what could not be."""

    supplied: bool = False
    outputs: list[OutputParity] = field(default_factory=list)
    inputs: list[InputParity] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> ParityVerdict:
        """That it is met takes that all which was supplied could be compared and is within the tolerance.

        The vendor's input, run here, tells the network from the preprocessing; what counts is our own input.
        """
        if not self.supplied:
            return "no reference supplied"
        counted = [*(one.met for one in self.outputs if one.fed == "our input"), *(one.met for one in self.inputs)]
        return "met" if counted and all(counted) and not self.left_out else "not met"


def compare(
    reference: Reference, told: Sequence[Answered], model: LoadedExternal, subject: Subject, share: float
) -> Comparison:
    """Hold the vendor's numbers against ours.

    Args:
        reference: what was supplied.
        told: our answers.
        model: how its outputs become numbers.
        subject: the model at work, for the vendor's own input.
        share: tolerance as a share of each output's range.
    """
    found = Comparison(supplied=True)
    _compare_outputs(reference, {one.name: one for one in told}, model.outputs, "our input", share, found)
    theirs = {}
    for one in told:
        if one.name in reference.inputs:
            x_NCL = _compare_input(one, reference.inputs[one.name], model.preprocessing, share, found)
            if x_NCL is not None:
                theirs[one.name] = _run(one.name, x_NCL, model, subject, found)
    ran = {name: answer for name, answer in theirs.items() if answer is not None}
    if ran:
        numbers, windows = (
            {place: array for place, array in part.items() if place[0] in ran}
            for part in (reference.numbers, reference.windows)
        )
        within = Reference(numbers, windows)
        _compare_outputs(within, ran, model.outputs, "the vendor's input", share, found)
    return found


def _compare_outputs(
    reference: Reference,
    told: dict[str, Answered],
    outputs: Sequence[Output],
    fed: Source,
    share: float,
    found: Comparison,
) -> None:
    for output in outputs:
        for compared, given in (("recordings", reference.numbers), ("windows", reference.windows)):
            gaps = _Gaps()
            for (record, name), theirs in given.items():
                if name != output.name:
                    continue
                ours = _ours(told.get(record), output.name, compared)
                if ours is None or ours.shape != theirs.shape:
                    found.left_out.append(_why_not(record, output.name, ours, theirs))
                else:
                    gaps.add(record, ours, theirs, output.classes if not output.classes_second else ())
            if any(len(part) for part in gaps.theirs):
                kind: Literal["recordings", "windows"] = "recordings" if compared == "recordings" else "windows"
                found.outputs.append(gaps.page(output, kind, fed, share))


def _ours(answer: Answered | None, output: str, compared: str) -> Floats | None:
    if answer is None:
        return None
    if compared == "recordings":
        return answer.numbers.get(output)
    raw = answer.raw.get(output)
    return None if raw is None else raw.astype(np.float64)


def _why_not(record: str, output: str, ours: Floats | None, theirs: Floats) -> str:
    if ours is None:
        return f"{record}, {output}: there is no number of ours"
    shapes = " and ".join(" x ".join(map(str, one.shape)) for one in (theirs, ours))
    return f"{record}, {output}: the vendor's numbers and ours are of different shapes ({shapes})"


def _compare_input(
    one: Answered, theirs: Floats, feed: Preprocessing, share: float, found: Comparison
) -> Windows | None:
    """Compare what is fed; gives back the vendor's windows in the order of the contract's axes."""
    x_NCL = as_windows(theirs, feed)
    if x_NCL is None:
        shape = " x ".join(map(str, theirs.shape))
        found.left_out.append(f"{one.name}: the vendor's input ({shape}) is no window of the contract")
        return None
    if x_NCL.shape != one.x_NCL.shape:
        found.left_out.append(f"{one.name}: the vendor cuts {len(x_NCL):,} windows, the contract {len(one.x_NCL):,}")
        return x_NCL
    extent = float(np.ptp(x_NCL)) or 1.0
    gap = float(np.abs(one.x_NCL.astype(np.float64) - x_NCL).max())
    met = gap <= share * extent
    found.inputs.append(
        InputParity(
            record=one.name,
            largest_absolute=gap,
            range=extent,
            met=met,
            hint="" if met else hint(one.x_NCL.astype(np.float64), x_NCL.astype(np.float64), feed.leads),
        )
    )
    return x_NCL


def as_windows(array: Floats, feed: Preprocessing) -> Windows | None:
    """A vendor's input as windows [N, C, L], whichever axes it stands in; None where nothing fits."""
    leads, samples = len(feed.leads), feed.samples
    if array.shape[-1:] == (leads,) and array.shape[-2:-1] == (samples,) and leads != samples:
        array = np.moveaxis(array, -1, -2)
    if array.shape[-2:] != (leads, samples) and leads == 1 and array.shape[-1:] == (samples,):
        array = array[..., None, :]
    if array.shape[-2:] != (leads, samples) or not np.isfinite(array).all():
        return None
    return np.ascontiguousarray(array.reshape(-1, leads, samples), dtype=np.float32)


def _run(name: str, x_NCL: Windows, model: LoadedExternal, subject: Subject, found: Comparison) -> Answered | None:
    try:
        raw = subject.raw(x_NCL)
    except WorldError as error:
        found.left_out.append(f"{name}: the vendor's input cannot be run here ({error.reason})")
        return None
    return Answered(name, x_NCL, raw, numbers_of(raw, model, len(x_NCL)))


def certificate(
    card: ModelCard, feed: Preprocessing, model_sha256: str, golden_sha256: str, found: Comparison,
    reference_sha256: str, share: float,
) -> ParityCertificate:  # fmt: skip
    """The certificate: what was compared, by which programs, when."""
    return ParityCertificate(
        verdict=found.verdict,
        model=card.name,
        version=card.version,
        model_sha256=model_sha256,
        files=card.files,
        contract_sha256=contract_sha256(feed),
        golden_sha256=golden_sha256,
        reference_sha256=reference_sha256,
        tolerance=share,
        outputs=found.outputs,
        inputs=found.inputs,
        left_out=found.left_out,
        versions=_versions(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def contract_sha256(feed: Preprocessing) -> str:
    """Hash of what a contract feeds."""
    return hashlib.sha256(feed.identity.encode()).hexdigest()


def _versions() -> dict[str, str]:
    told = {"isoline": VERSION}
    for package in PACKAGES:
        try:
            told[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue  # a model of another format was run without it
    return told
