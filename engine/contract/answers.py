"""Which of a vendor's own outputs answers which label.

A label is answered by the class that the evaluation names for it; where it names none, by the class of the label's own
name ("MI" answers "MI" and "ptbxl-super: MI").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.contract.card import Output
from engine.contract.errors import UsageError
from engine.contract.output_types import OutputType


@dataclass(frozen=True)
class Answer:
    """Which number of a model answers a label, and what may be said of it."""

    label: str
    output: str
    place: int
    class_name: str
    judged_as: OutputType


def answers(
    model: str, outputs: Sequence[Output], labels: Sequence[str], classes: Mapping[str, str] | None = None
) -> list[Answer]:
    """One answer a label, in the order of the labels.

    Args:
        model: name of the model, for errors.
        outputs: as its card has them.
        labels: of the evaluation.
        classes: by label the class that answers it: "MI", or "output: MI".

    Raises:
        UsageError: a label is answered by no class, by several, or one is named that the model has not.
    """
    told = dict(classes or {})
    foreign = [label for label in told if label not in labels]
    if foreign:
        raise UsageError(f"label {foreign[0]}", "a class is named for it, and it is not evaluated", "Leave it out")
    return [_answer(model, outputs, label, told.get(label)) for label in labels]


def answered(outputs: Sequence[Output], labels: Sequence[str], classes: Mapping[str, str] | None = None) -> list[str]:
    """Of some labels, those that exactly one class answers, or that a class is named for."""
    told = dict(classes or {})
    return [label for label in labels if label in told or len(_found(outputs, label, None)) == 1]


def notes_of(chosen: Sequence[Answer]) -> list[str]:
    """What a reader must know: which class was taken for which label, where their names differ."""
    told = [f"'{one.label}' by its class '{one.class_name}'" for one in chosen if one.label != one.class_name]
    notes = [f"The model answers {', '.join(told)}"] if told else []
    scores = [one.label for one in chosen if one.judged_as == "score"]
    if scores:
        notes.append(f"Its numbers for {', '.join(scores)} are scores and no probabilities: calibration is not told")
    return notes


def _answer(model: str, outputs: Sequence[Output], label: str, named: str | None) -> Answer:
    found = _found(outputs, label, named)
    if len(found) == 1:
        return found[0]
    known = [f"{output.name}: {name}" for output in outputs for name in output.classes]
    if found:
        reason = f"the classes {' and '.join(f'{one.output}: {one.class_name}' for one in found)} would answer it"
        raise UsageError(
            f"label {label}", reason, f"Name one: --class '{label}={found[0].output}: {found[0].class_name}'"
        )
    what = f"has no class '{named}'" if named is not None else "has no class of this name"
    choose = f"Name one with --class '{label}=CLASS': {', '.join(known)}" if known else "Choose mode 'linear'"
    raise UsageError(f"label {label}", f"model {model} {what}", choose)


def _found(outputs: Sequence[Output], label: str, named: str | None) -> list[Answer]:
    """Every class that is meant by the name that was given, or else by the label's own."""
    wanted = named if named is not None else label
    return [
        Answer(label, output.name, place, name, output.judged_as)
        for output in outputs
        if output.judged_as != "none"
        for place, name in enumerate(output.classes)
        if _is_meant(wanted, output.name, name, exactly=named is not None)
    ]


def _is_meant(wanted: str, output: str, name: str, exactly: bool) -> bool:
    if wanted in (name, f"{output}: {name}"):
        return True
    return not exactly and wanted.rpartition(": ")[2].casefold() == name.casefold()
