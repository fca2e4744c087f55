"""The form of a pretraining: which fields stand where, and which of them few people change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.ui.form import SchemaForm
from engine.contract.config import PretrainConfig

SECTIONS = {
    "": ("name", "objective", "backbone"),
    "Signal": ("rate_hz", "window_s", "clip_mv", "normalisation"),
    "Training": (
        "steps",
        "batch_size",
        "learning_rate",
        "schedule",
        "warmup_steps",
        "final_rate",
        "accumulate",
        "backbone_factor",
        "stem_factor",
        "dynamics_factor",
        "weight_decay",
        "dynamics_decay",
        "clip_norm",
    ),
    "Looks and checkpoints": (
        "validation_fraction",
        "evaluate_every",
        "early_stop",
        "early_stop_keeps",
        "checkpoint_every",
        "keep_checkpoints",
        "probe",
    ),
    "Machine": ("device", "precision", "seed", "threads", "loaders", "resample", "ranks"),
}

FOLDED = frozenset(
    {
        "accumulate",
        "backbone_factor",
        "stem_factor",
        "dynamics_factor",
        "final_rate",
        "weight_decay",
        "dynamics_decay",
        "clip_norm",
        "early_stop_keeps",
        "checkpoint_every",
        "keep_checkpoints",
        "threads",
        "loaders",
        "resample",
        "ranks",
        "backbone.stem_kernels",
        "backbone.stem_strides",
        "backbone.form",
        "backbone.dynamics",
        "backbone.rotary_base",
        "backbone.group_width",
        "backbone.kernel",
        "backbone.idle_norms",
        "objective.temperature",
        "objective.decay_end",
        "objective.decay_steps",
        "objective.teacher",
        "objective.teacher_eval_mode",
        "objective.teacher_statistics",
        "objective.head_state_size",
        "objective.head_dropout",
        "objective.beta",
        "objective.code_decay",
        "objective.code_start",
        "objective.least_context",
        "objective.student_temperature",
        "objective.teacher_temperature",
        "objective.temperature_steps",
        "objective.sinkhorn_iterations",
        "objective.centred",
        "objective.masked_share",
        "objective.entropy_weight",
        "objective.second_stage",
    }
)
"""Right for nearly everyone as they are."""

OF_THE_PARENT = ("backbone", "rate_hz", "window_s", "clip_mv", "normalisation")
"""What a model that is gone on from has settled."""


def pretrain_form() -> SchemaForm:
    """A form for every field of a pretraining's config."""
    return SchemaForm(
        PretrainConfig,
        sections=SECTIONS,
        hidden={"store", "parent"},
        folded=FOLDED,
        options={"device": DEVICES, "probe.cohort": [], "probe.labels": []},
    )


DEVICES = [("auto", "automatic"), ("cpu", "CPU"), ("cuda", "GPU (CUDA)")]


def device_options(devices: list[dict[str, str]]) -> list[tuple[object, str]]:
    """The choices of the field *device* on a machine with these devices."""
    gpus = [one["description"] for one in devices if one["name"].startswith("cuda")]
    told: list[tuple[object, str]] = [("auto", f"automatic ({'GPU' if gpus else 'CPU'})"), ("cpu", "CPU")]
    if gpus:
        told.append(("cuda", f"GPU: {gpus[0]}" if len(gpus) == 1 else f"{len(gpus)} GPUs: {gpus[0]}"))
    return told


def of_parent(values: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """A form's values with what a parent model has settled."""
    told = {**values, **{name: settings[name] for name in OF_THE_PARENT if name in settings}}
    objective = settings.get("objective")
    if isinstance(objective, str) and values.get("objective", {}).get("name") != objective:
        told["objective"] = {"name": objective}
    return told
