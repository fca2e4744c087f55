"""Config fields in the user's words: titles, units, choices and limits."""

from __future__ import annotations

import re
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

UNITS = {"_s": "s", "_hz": "Hz", "_mv": "mV", "_ms": "ms", "_mm": "mm", "_gb": "GB"}
"""Unit of a field by the end of its name."""

TITLES = {
    "rate_hz": "Sampling rate",
    "window_s": "Crop length",
    "clip_mv": "Clip at",
    "accumulate": "Parts of a batch",
    "backbone_factor": "Backbone rate",
    "stem_factor": "Stem rate",
    "dynamics_factor": "Dynamics rate",
    "clip_norm": "Longest gradient",
    "evaluate_every": "Look every",
    "checkpoint_every": "Checkpoint every",
    "early_stop": "Stop after looks",
    "loaders": "Reading processes",
    "resample": "Resampling",
    "ranks": "Processes",
    "every": "Probe every",
    "folds": "Out of fold",
    "form": "State matrix",
    "offsets": "Tokens ahead",
    "feedforward": "Feed-forward",
    "targets": "Targets",
    "beta": "Smooth L1 bend",
    "decay": "Teacher's decay",
    "decay_end": "Decay at the end",
    "decay_steps": "Steps of the decay",
    "teacher_eval_mode": "Quiet teacher",
    "teacher_statistics": "Teacher's batch statistics",
    "code_start": "Start of the codewords",
    "centred": "Centred tokens",
    "warmup": "Measured steps",
    "warmup_steps": "Warm-up steps",
    "validation_fraction": "Held-out share",
    "gap_margin": "Gap that is no matter",
    "confirmatory": "Named in advance",
    "decision_range": "Risks one acts at",
    "head_rate": "Rate of the head",
    "backbone_rate": "Rate of the backbone",
    "stem_rate": "Rate of the stem",
    "keep_model": "Keep the model",
    "shares": "Shares of patients",
    "training": "Training of heads and models",
    "few_labels": "Curve over fewer labels",
    "threshold": "Threshold",
    "kind": "Rule",
    "target": "Wanted",
    "most": "Recordings at most",
    "loss": "Loss that does harm",
    "tolerance": "Tolerance of parity",
    "token_gb": "Disk for tokens",
    "crops": "Crops of heads",
}
"""Titles where the name of the field says too little."""

CHOICES: dict[object, str] = {
    "auto": "automatic",
    "cpu": "CPU",
    "cuda": "GPU (CUDA)",
    "intended": "as intended",
    "nplr": "HiPPO-LegS (S4)",
    "diagonal": "diagonal (S4D)",
    "ema": "follows the student",
    "frozen_random": "frozen, random",
    "sinkhorn": "balanced (HuBERT++)",
    "offline_kmeans": "k-means (HuBERT)",
    "none": "none, millivolts",
    "ptbxl": "PTB-XL z-scores",
    "ptbxl_as_released": "PTB-XL, as released",
    "youden": "largest Youden index",
    "sensitivity": "sensitivity at least",
    "specificity": "specificity at least",
    "windows": "fixed windows",
    "random": "cut anywhere",
    True: "yes",
    False: "no",
    None: "automatic",
}
"""Values of a choice where their own name is not plain enough."""

VARIANTS = {
    "s4": "S4",
    "transformer": "Transformer",
    "net1d": "Net1D",
    "cpc": "CPC",
    "jepa": "JEPA",
    "data2vec": "data2vec",
    "dinosr": "DinoSR",
    "hubert": "HuBERT++",
}
"""Names of backbones and objectives as they are written."""

_REFERENCE = re.compile(r"\s*\((?:method specification, )?sections? [^)]*\)")


def title_of(name: str) -> str:
    """A field's name for people: `window_s` is "Crop length", `batch_size` "Batch size"."""
    if name in TITLES:
        return TITLES[name]
    for end in UNITS:
        name = name.removesuffix(end)
    return name.replace("_", " ").capitalize()


def unit_of(name: str) -> str:
    """Unit of a field: `window_s` is in seconds."""
    return next((unit for end, unit in UNITS.items() if name.endswith(end)), "")


def choice_of(value: object) -> str:
    """A value of a choice for people."""
    return CHOICES.get(value) or str(value).replace("_", " ")


def variant_of(tag: str) -> str:
    """A backbone's or objective's name as it is written."""
    return VARIANTS.get(tag, title_of(tag))


def story_of(model: type[BaseModel]) -> str:
    """What a config class stands for: the first sentence of its text, without references to the specification."""
    text = " ".join((model.__doc__ or "").split("\n\n")[0].split())
    return _REFERENCE.sub("", text).partition(". ")[0].removesuffix(".").partition(": stage")[0] + "."


def limits_of(field: FieldInfo) -> str:
    """The bounds of a field in words: "at least 1, at most 4,096"."""
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than", "multiple_of": "a multiple of"}
    parts = []
    for bound in field.metadata:
        for name, word in words.items():
            if getattr(bound, name, None) is not None:
                parts.append(f"{word} {_number(getattr(bound, name))}")
    return ", ".join(parts)


def sentence(text: str) -> str:
    """A message as a sentence."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}" if text else ""


def is_range(kind: object) -> bool:
    """Whether a type is a pair of numbers with a lower and an upper end."""
    return get_origin(kind) is tuple and [without_bounds(end) for end in get_args(kind)] == [float, float]


def without_bounds(kind: Any) -> Any:
    """A type without the bounds that are noted beside it."""
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
