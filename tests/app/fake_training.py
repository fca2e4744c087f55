"""Pretrainings, estimates and studies of the workspace in memory: curves, rows and answers as real runs give them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from app.core.rows import JobRow, MetricSeries, ModelRow
from engine.contract.config import PretrainConfig, S4Config, StudyConfig, TransformerConfig
from engine.contract.results import (
    Estimate,
    EstimateResults,
    Interval,
    PretrainResults,
    ScalingFit,
    StudyCell,
    StudyDifference,
    StudyResults,
    StudyRow,
)

SHA = "9f2c" * 16
GPU = {"name": "cuda:0", "description": "NVIDIA H100 80GB HBM3"}
CPU = {"name": "cpu", "description": "8 threads"}

STUDY = {
    "name": "pairs, small",
    "base": {"steps": 600, "batch_size": 32},
    "backbones": {"s4": {"name": "s4", "width": 128}, "transformer": {"name": "transformer", "width": 128}},
    "objectives": {"cpc": {"name": "cpc"}, "jepa": {"name": "jepa"}},
    "axes": {"backbone": ["s4", "transformer"], "objective": ["cpc", "jepa"], "records": [1000, 4000, 16000]},
}


def training_curves(
    steps: int = 400, level: float = math.log(129), share: float = 0.42, gpu: bool = False, width: int = 64
) -> list[MetricSeries]:
    """Curves of a pretraining; `share` is where its loss ends, as a share of the trivial level."""
    at, looks = tuple(range(5, steps + 1, 5)), tuple(range(50, steps + 1, 50))
    told = [
        MetricSeries("loss", at, tuple(_falling(s, level, share) + 0.09 * math.sin(s * 1.7) for s in at)),
        MetricSeries("trivial_loss", at, tuple(level for _ in at)),
        MetricSeries("accuracy", at, tuple(0.6 * (1 - math.exp(-s / 120)) for s in at)),
        MetricSeries("validation_loss", looks, tuple(_falling(s, level, share + 0.05) for s in looks)),
        MetricSeries("validation_trivial_loss", looks, tuple(level for _ in looks)),
        MetricSeries("learning_rate", at, tuple(3e-3 * min(s / 60, 1.0) for s in at)),
        MetricSeries("crops_per_s", at, tuple(182.0 + (s % 7) for s in at)),
        MetricSeries("effective_rank", looks, tuple(width * (0.12 + 0.4 * (1 - math.exp(-s / 150))) for s in looks)),
        MetricSeries("target_variance", looks, tuple(0.9 + 0.05 * math.sin(s) for s in looks)),
        MetricSeries("prediction_variance", looks, tuple(0.7 * (1 - math.exp(-s / 90)) for s in looks)),
    ]
    if gpu:
        told.append(MetricSeries("memory_gb", at, tuple(11.5 + 0.4 * (s > 30) for s in at)))
        told.append(MetricSeries("temperature_c", at, tuple(38.0 + 24 * (1 - math.exp(-s / 100)) for s in at)))
    return told


def _falling(step: int, level: float, share: float) -> float:
    return level * (share + (1 - share) * math.exp(-step / 90))


def estimate_results(**more: Any) -> EstimateResults:
    """An estimate of a small training that fits."""
    told: dict[str, Any] = {
        "fits": True,
        "device": "cpu",
        "parameters": 2_932_736,
        "tokens": 300,
        "steps": 2000,
        "seconds_per_step": 0.71,
        "crops_per_s": 90.0,
        "seconds": 1420.0,
        "memory_bytes": 1_640_000_000,
        "memory_free_bytes": 12_300_000_000,
        "disk_bytes": 71_000_000,
        "disk_free_bytes": 48_000_000_000,
        "energy_wh": 17.4,
        "energy_source": "assumed 45 W",
    }
    return EstimateResults(**{**told, **more})


def study_cells(done: int = 7, running: int = 8) -> list[StudyRow]:
    """The grid of `STUDY` half way: `done` runs are, the one after them runs, one is refused."""
    told = []
    for number, (backbone, objective, records) in enumerate(
        ((b, o, r) for b in ("s4", "transformer") for o in ("cpc", "jepa") for r in (1000, 4000, 16000)), start=1
    ):
        state = "done" if number <= done else "running" if number == running else "waiting"
        level = math.log(129) if objective == "cpc" else 0.48
        loss = level * (0.5 + 0.9 * records**-0.25 + (0.05 if backbone == "transformer" else 0))
        metrics = {
            "validation_loss": loss,
            "validation_trivial_loss": level,
            "effective_rank": 128 * (0.2 + 0.01 * number),
            "probe_after": 0.71 + 0.01 * number,
            "probe_before": 0.69,
            "effective_rank_share": 0.2 + 0.01 * number,
            "records": records,
        }
        refused = number == 11
        told.append(
            StudyRow(
                number=number,
                name=f"{backbone} {objective} records {records}",
                values={"backbone": backbone, "objective": objective, "records": records},
                state="refused" if refused else state,
                metrics=metrics if state == "done" else {},
                message="16000 records are more than the 12,480 of the cohort" if refused else "",
            )
        )
    return told


def study_results() -> StudyResults:
    """What a study says at its end."""
    return summary(study_cells(12))


def summary(rows: list[StudyRow]) -> StudyResults:
    """Means, ranks and fits of the runs that are done."""
    done = [row for row in rows if row.state == "done"]
    cells = []
    for rank, row in enumerate(sorted(done, key=lambda one: -(one.metrics["probe_after"] or 0)), start=1):
        value, auroc = row.metrics["validation_loss"], row.metrics["probe_after"]
        assert value is not None
        assert auroc is not None
        half = Interval(low=value * 0.96, high=value * 1.05, method="t interval over 3 seeds")
        about = Interval(low=auroc - 0.02, high=auroc + 0.018, method="t interval over 3 seeds")
        cells.append(
            StudyCell(
                name=row.name,
                values=row.values,
                seeds=3,
                metrics={
                    "validation_loss": Estimate(value=value, interval=half),
                    "probe_after": Estimate(value=auroc, interval=about),
                },
                ranks={"probe_after": max(rank - 1, 1), "validation_loss": len(done) + 1 - rank},
                works=rank != 6,
                shortfall="" if rank != 6 else "effective rank 7 % of the width",
            )
        )
    fits = [
        ScalingFit(series="s4 cpc", metric="validation_loss", a=4.4, b=0.25, c=2.43, points=3, r_squared=0.998),
        ScalingFit(series="s4 jepa", metric="validation_loss", a=0.43, b=0.25, c=0.24, points=3, r_squared=0.991),
    ]
    gap = StudyDifference(
        axis="backbone",
        examined="transformer",
        reference="s4",
        among="cpc records 1000",
        metric="probe_after",
        estimate=Estimate(value=-0.02, interval=Interval(low=-0.05, high=0.01, method="t interval over 3 seeds")),
    )
    return StudyResults(
        name="pairs, small",
        differences=[gap],
        axes=["backbone", "objective", "records"],
        rows=rows,
        cells=cells,
        fits=fits,
        seconds=4210,
    )


class FakeTraining:
    """What the workspace says about pretrainings, estimates and studies."""

    rows: dict[str, JobRow]
    calls: list[tuple[Any, ...]]
    machine: list[dict[str, str]]
    curves: dict[str, list[MetricSeries]]
    collapsed: dict[str, str]
    previewed: list[tuple[Any, ...]]
    refuse: Exception | None

    def _said(self, *call: Any) -> None:
        raise NotImplementedError

    def _queue(self, kind: str, name: str) -> str:
        raise NotImplementedError

    def devices(self) -> list[dict[str, str]]:
        return self.machine

    def recipes(self) -> list[str]:
        return ["cpc-s4", "demo"]

    def recipe(self, name: str) -> dict[str, Any]:
        if name == "demo":
            return {"name": "demo", "steps": 400, "backbone": {"width": 64}, "batch_size": 16, "checkpoint_every": 100}
        return {"name": "cpc-s4"}

    def duplicate(self, job_id: str) -> dict[str, Any]:
        if self.rows[job_id].kind == "study":
            return {**STUDY, "name": f"{self.rows[job_id].name} again"}
        return {**self._config(self.rows[job_id]), "name": f"{self.rows[job_id].name} again"}

    def parent_settings(self, model: str) -> dict[str, Any]:
        backbone = TransformerConfig(width=96, heads=4, depth=2, causal=True).model_dump(mode="json")
        return {
            "backbone": backbone,
            "rate_hz": 250.0,
            "window_s": 5.0,
            "clip_mv": 3.0,
            "normalisation": "none",
            "objective": "jepa",
        }

    def pretrain(self, config: PretrainConfig, cohort: str | None = None, parent: str | None = None) -> str:
        self._said("pretrain", config, cohort, *([parent] if parent else []))
        return self._queue("pretrain", config.name)

    def pretraining_notes(self, config: PretrainConfig, cohort: str | None = None) -> list[str]:
        return ["The model leaks the future"] if config.leaks else []

    def keep_study_model(self, job_id: str, number: int, name: str | None = None) -> ModelRow:
        self._said("keep_study_model", job_id, number)
        return ModelRow(name or "s4 cpc", "1", "native", SHA, "2026-11-22T09:00:00Z", {})

    def estimate(self, config: PretrainConfig, cohort: str | None = None) -> str:
        self._said("estimate", config, cohort)
        return self._queue("estimate", config.name)

    def studies(self) -> list[str]:
        return ["pairs-small", "scaling"]

    def study_recipe(self, name: str) -> dict[str, Any]:
        return {**STUDY, "name": Path(name).stem}

    def study(self, config: StudyConfig, cohort: str | None = None) -> str:
        self._said("study", config, cohort)
        return self._queue("study", config.name)

    def study_rows(self, job_id: str) -> list[StudyRow]:
        if self.rows[job_id].state == "queued":
            return []
        return study_cells(12) if self.rows[job_id].state == "done" else study_cells()

    def study_preview(self, config: StudyConfig, cohort: str | None = None) -> list[StudyRow]:
        self.previewed.append((config, cohort))
        if self.refuse is not None:
            raise self.refuse
        return [row.model_copy(update={"metrics": {"steps": 600.0}}) for row in study_cells(0, 0)]

    def estimate_study(self, config: StudyConfig, cohort: str | None = None) -> str:
        self._said("estimate_study", config, cohort)
        return self._queue("estimate", config.name)

    def study_summary(self, job_id: str) -> StudyResults:
        return summary(self.study_rows(job_id))

    def export_study(self, job_id: str, folder: Path) -> list[Path]:
        self._said("export_study", job_id, folder)
        return [Path(folder) / "study.csv", Path(folder) / "scaling.svg"]

    def _config(self, row: JobRow) -> dict[str, Any]:
        if row.kind == "study":
            return StudyConfig.model_validate(STUDY).model_dump(mode="json")
        width = 32 if row.name == "wide" else 64
        return PretrainConfig(name=row.name, steps=800, backbone=S4Config(width=width)).model_dump(mode="json")

    def pretrain_results(self, job_id: str) -> PretrainResults:
        last = {one.name: one.values[-1] for one in self.curves.get(job_id, training_curves())}
        return PretrainResults(
            checkpoint="checkpoints/step-000400",
            weights_sha256=SHA,
            steps=400,
            parameters=51_200,
            final=last,
            seconds=72.0,
            collapse={"effective_rank": last["effective_rank"]},
            collapsed=self.collapsed.get(job_id, ""),
        )
