"""Licence and isolation of a model in plain words: what may be done with it, what holds it in, what does not.

Nothing here is warmer than what the sandbox says of itself: a layer that is missing is named.
"""

from __future__ import annotations

from dataclasses import dataclass

from app import printing
from app.progress import duration
from app.ui.form_words import sentence
from app.ui.model_rows import ListedModel
from engine.contract.card import UNKNOWN, ModelFormat
from engine.contract.sandbox import Limits, SandboxState

SANDBOXED: tuple[ModelFormat, ...] = ("onnx", "torchscript", "pt2", "command")
"""Formats whose files are programs: they run in the sandbox, or not at all."""

HOW_IT_RUNS: dict[ModelFormat, str] = {
    "onnx": (
        "An ONNX graph is a program of known operators. It runs in a process of its own, in the sandbox; a graph with "
        "operators of its maker's own is refused."
    ),
    "torchscript": "TorchScript is a program. It runs in a process of its own, in the sandbox, never in this one.",
    "pt2": "A torch.export program is code, too. It runs in a process of its own, in the sandbox, never in this one.",
    "command": "The vendor's program is run in the sandbox. It is handed windows of recordings and nothing else.",
    "safetensors": (
        "Its file holds numbers alone, no code. Isoline's own network of the named architecture reads them, so nothing "
        "of the vendor's runs here."
    ),
    "endpoint": (
        "The model is a service that your hospital runs on this machine. Isoline sends it windows of recordings over "
        "the loopback address and can neither see nor limit what it does with them."
    ),
}

NO_CODE = {
    "predictions": "There is no model here, only scores that somebody computed elsewhere. Nothing is run.",
    "native": "A checkpoint of Isoline: numbers alone, read by Isoline's own network. Nothing foreign runs here.",
    "random": "A network of Isoline with random weights. Nothing foreign runs here.",
    "baseline": "A regression that Isoline fits itself. Nothing foreign runs here.",
}

NOT_HELD = (
    "What no sandbox holds: the model's answers. A model may answer wrongly on purpose or by mistake, or differently "
    "when it recognises a test. Evaluation, stress bench and drift check look at that."
)


@dataclass(frozen=True)
class Passage:
    """A heading with sentences below it; `sign` and `role` as in `app.ui.signs` and the theme."""

    heading: str
    lines: tuple[str, ...]
    sign: str = ""
    role: str = "muted"


def passages(model: ListedModel, sandbox: SandboxState | None) -> list[Passage]:
    """All that is said of a model's licence and isolation.

    Args:
        model: the model.
        sandbox: what isolates a vendor's process on this computer; None while that is not known.
    """
    told = [licence(model), _how(model)]
    if is_sandboxed(model):
        told += [isolation(sandbox), *_missing(sandbox, model.row.allow_incomplete), _limits()]
    return [*told, *([Passage("What this does not tell", (NOT_HELD,))] if model.external else [])]


def is_sandboxed(model: ListedModel) -> bool:
    """Whether code of the vendor's is run in the sandbox for it."""
    return model.card is not None and model.card.format in SANDBOXED


def licence(model: ListedModel) -> Passage:
    """What the licence allows, as far as anybody knows."""
    card = model.card
    if card is None:
        return Passage("Licence", ("Nothing is known: its card cannot be read.",), "question", "warn")
    if card.licence == UNKNOWN and model.row.source in NO_CODE and model.row.source != "predictions":
        return Passage("Licence", ("Made in this workspace; whoever owns the recordings decides on its use.",))
    known = card.licence != UNKNOWN
    lines = [
        f"Licence of the weights: {card.licence}." if known else "Nobody has told under which licence it may be run."
    ]
    lines.append(
        f"Permitted use: {card.permitted_use}." if card.permitted_use != UNKNOWN else "Permitted use: not told."
    )
    if card.non_commercial:
        lines.append(f"It forbids commercial use. Used here all the same, because: {sentence(card.reason)}")
    elif card.non_commercial is None:
        lines.append("Whether it forbids commercial use is not told.")
    warn = bool(card.non_commercial) or not known
    return Passage("Licence", tuple(lines), "warning" if warn else "done", "warn" if warn else "good")


def isolation(sandbox: SandboxState | None) -> Passage:
    """What isolates a vendor's process on this computer."""
    if sandbox is None:
        asked = "Not known yet: the engine is asked for it."
        return Passage("What isolates it here", (asked,), "queued", "muted")
    means = f"By {', '.join(sandbox.means)}." if sandbox.means else "By nothing."
    if sandbox.complete:
        return Passage("What isolates it here", (means, COMPLETE), "done", "good")
    return Passage("What isolates it here", (means,), "warning", "warn")


COMPLETE = (
    "It has no network, reads no files but the libraries that it needs, writes into a scratch folder of its own alone, "
    "and sees nothing of the workspace, of your home folder or of other programs."
)


def _how(model: ListedModel) -> Passage:
    format = model.card.format if model.card else None
    if format is None:
        return Passage("How it runs", (NO_CODE.get(model.row.source, "Not known."),), "done", "good")
    bad = format == "endpoint"
    return Passage("How it runs", (HOW_IT_RUNS[format],), "warning" if bad else "done", "warn" if bad else "good")


def _missing(sandbox: SandboxState | None, agreed: bool) -> list[Passage]:
    """What does not isolate it here, and what somebody has said to that."""
    if sandbox is None or sandbox.complete:
        return []
    lines = [sentence(one) for one in sandbox.missing]
    lines.append(
        "Somebody agreed to run it all the same; that stands in the audit trail."
        if agreed
        else "It is not run here before somebody agrees to that."
    )
    return [Passage("What does not isolate it here", tuple(lines), "failed", "bad")]


def _limits() -> Passage:
    told = Limits()
    room = f"{printing.size(told.memory_bytes)} of memory, {printing.size(told.scratch_bytes)} of scratch space"
    time = f"{duration(told.cpu_s)} of processor time, {duration(told.call_s)} for one request"
    ended = "Whatever goes beyond is ended with everything that it started."
    return Passage("What it may use", (f"{room}, {told.processes} processes, {time}.", ended))
