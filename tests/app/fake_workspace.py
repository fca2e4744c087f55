"""A workspace in memory with the public methods that the pages call, and numbers as a real small case gives them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from fake_training import CPU, FakeTraining, study_results, training_curves
from report_factory import make_dossier
from scored_cases import scored_of_the_full_label

from app.core.changes import Changes
from app.core.evaluation_cost import EvaluationCost
from app.core.evaluation_rows import EvaluationRow
from app.core.review_rows import Review, Reviews, ReviewsElsewhere
from app.core.rows import (
    Check,
    CohortRow,
    JobDetail,
    JobRow,
    LabelSummary,
    MetricSeries,
    ModelRow,
    ProgressRow,
    ReportRow,
    Verification,
)
from app.core.scored_records import ScoredRecords
from app.core.tasks import TaskRow
from app.governance.dossier import Dossier
from app.report.figure_export import figures_of, overviews
from engine.contract.config import (
    BaselineModel,
    CompareConfig,
    EvaluateConfig,
    NativeModel,
    RandomModel,
    S4Config,
)
from engine.contract.errors import UsageError, WorldError
from engine.contract.events import Checkpoint, Metric, Progress, Started, Warned
from engine.contract.results import CKA, CompareResults, Difference, Estimate, EvaluateResults, Interval, LabelResult

SHA = "9f2c" * 16
LABELS = ("NORM", "MI", "STTC", "CD")
MODELS = ("random S4", "demo", "age + sex")
SOURCES = {"random S4": "random", "demo": "native", "age + sex": "baseline"}
ANALYTIC = "patient-clustered analytic variance (Obuchowski 1997), logit"
BOOTSTRAP = "patient-clustered bootstrap, 2,000 resamples, logit percentile"
AUROC = {
    "demo": (0.871, 0.784, 0.812, 0.741),
    "random S4": (0.822, 0.741, 0.798, 0.702),
    "age + sex": (0.744, 0.668, 0.611, 0.583),
}
POSITIVES = (52, 44, 38, 29)
LAYERS = ["stem", "block1", "block2", "block3", "block4"]


def estimate(value: float, half: float, positives: int | None = None, *, bounded: bool = True) -> Estimate:
    def clip(x: float) -> float:
        return min(max(x, 0.0), 1.0) if bounded else x

    few = positives is not None and positives < 50
    methods = (ANALYTIC, BOOTSTRAP) if few else (BOOTSTRAP, ANALYTIC)
    return Estimate(
        value=value,
        interval=Interval(low=clip(value - half), high=clip(value + half * 0.9), method=methods[0]),
        beside=Interval(low=clip(value - half * 1.05), high=clip(value + half * 0.88), method=methods[1]),
        records=140,
        patients=140,
        positive_records=positives,
        positive_patients=positives,
        negative_patients=None if positives is None else 140 - positives,
    )


def evaluation(model: str) -> EvaluateResults:
    values = AUROC[model]
    return EvaluateResults(
        model=model,
        model_sha256=SHA,
        mode="age + sex" if model == "age + sex" else "linear probe",
        macro=estimate(sum(values) / 4, 0.061, 29),
        labels=[
            LabelResult(label=label, auroc=estimate(value, 0.16 * math.sqrt(value * (1 - value)) + 0.01, n))
            for label, value, n in zip(LABELS, values, POSITIVES, strict=True)
        ],
        split_id="S-demo",
        split_kind="out-of-fold over 5 patient folds",
        test_sha256=SHA,
        records=140,
        patients=140,
        layers=[] if model == "age + sex" else LAYERS,
        seed=0,
        resamples=2000,
        seconds=7.4,
    )


def comparison(models: tuple[str, ...] = MODELS) -> CompareResults:
    examined, *others = models
    first = dict(zip(("macro", *LABELS), (sum(AUROC[examined]) / 4, *AUROC[examined]), strict=True))
    differences = []
    for model in others:
        mine = dict(zip(("macro", *LABELS), (sum(AUROC[model]) / 4, *AUROC[model]), strict=True))
        for label, value in mine.items():
            gap = estimate(first[label] - value, 0.055 if label == "macro" else 0.08, 40, bounded=False)
            differences.append(Difference(model=examined, reference=model, label=label, estimate=gap))
    return CompareResults(
        examined=examined,
        models=list(models),
        differences=differences,
        cka=[similarity(examined, examined), *(similarity(examined, m) for m in others if m != "age + sex")],
        split_id="S-demo",
        test_sha256=SHA,
        seed=0,
        resamples=2000,
        notes=["age + sex has no layers, so it has no CKA"],
        seconds=3.2,
    )


def similarity(rows: str, columns: str) -> CKA:
    same = rows == columns
    values: list[list[float | None]] = []
    for i in range(5):
        drop = 0.07 if same else 0.11
        values.append(
            [
                round(max((1.0 if same else 0.86) - drop * abs(i - j) - (0 if same else 0.05 * j), -0.02), 3)
                for j in range(5)
            ]
        )
    return CKA(
        rows=rows,
        columns=columns,
        row_layers=LAYERS,
        column_layers=LAYERS,
        values=values,
        records=140,
        warning="" if same else "140 records are few for 128 features: read differences below 0.1 as noise",
    )


def job(job_id: str, kind: str, name: str, state: str, **more: Any) -> JobRow:
    fields: dict[str, Any] = {
        "created": "2026-11-22T09:00:00.000Z",
        "started": "2026-11-22T09:00:01.000Z",
        "finished": "2026-11-22T09:01:13.000Z",
        "progress": ProgressRow(done=1, total=1, unit="records"),
        "message": "",
        "next_step": "",
    }
    return JobRow(job_id=job_id, kind=kind, name=name, state=state, **{**fields, **more})


class FakeWorkspace(FakeTraining):
    """What the pages need of a workspace, without files and without an engine."""

    path = Path("demo-workspace")
    id = "W-demo"

    def __init__(self, jobs: list[JobRow] | None = None) -> None:
        self.rows = {row.job_id: row for row in (default_jobs() if jobs is None else jobs)}
        self.calls: list[tuple[Any, ...]] = []
        self.curves = {"J0002": training_curves(), "J0006": training_curves(200, share=0.5, width=32)}
        self.answers: dict[str, Any] = {}
        self.collapsed: dict[str, str] = {}
        self.machine = [CPU]
        self.previewed: list[tuple[Any, ...]] = []
        self.refuse: WorldError | None = None
        self.reviews: Reviews = {}
        self.scoreless: set[str] = set()
        self.signals: dict[str, Any] = {}

    def _said(self, *call: Any) -> None:
        self.calls.append(call)
        if self.refuse is not None:
            raise self.refuse

    def jobs(self) -> list[JobRow]:
        return list(self.rows.values())

    def job(self, job_id: str) -> JobRow:
        return self.rows[job_id]

    def metrics(self, job_id: str) -> list[MetricSeries]:
        return self.curves.get(job_id, [])

    def job_detail(self, job_id: str) -> JobDetail:
        row = self.rows[job_id]
        results = self.results(job_id)
        return JobDetail(
            job=row,
            config=self._config(row),
            results=None if results is None else results.model_dump(mode="json"),
            events=len(self.events(job_id)),
            warnings=("the loss of 2 patients was not watched: they have one crop",) if row.kind == "pretrain" else (),
            versions={"isoline": "0.1.0", "python": "3.11.9", "numpy": "2.4.6", "torch": "2.13.0"},
            console_tail="loading store\ntraining 64 features, 4 blocks\n" if row.kind == "pretrain" else "",
            checkpoints=("step-000200", "step-000400") if row.kind == "pretrain" else (),
            collapsed=self.collapsed.get(job_id, ""),
        )

    def _config(self, row: JobRow) -> dict[str, Any]:
        if row.kind in ("pretrain", "estimate", "study"):
            return super()._config(row)
        if row.kind == "compare":
            jobs = ("runs/J0003", "runs/J0004", "runs/J0005")
            return CompareConfig(evaluations=jobs, names=MODELS, labels=LABELS).model_dump(mode="json")
        model: RandomModel | BaselineModel | NativeModel = RandomModel(name=row.name, backbone=S4Config(width=64))
        if row.name == "demo":
            model = NativeModel(name=row.name, checkpoint="models/demo")
        elif row.name != "random S4":
            model = BaselineModel(name=row.name)
        return EvaluateConfig(model=model, labels=LABELS).model_dump(mode="json")

    def run_figures(self, job_id: str) -> list[Any]:
        found = self.answers[job_id]
        return [*overviews(found), *figures_of(found)]

    def results(self, job_id: str) -> Any:
        row = self.rows[job_id]
        if row.state != "done":
            return None
        if job_id in self.answers:
            return self.answers[job_id]
        if row.kind == "pretrain":
            return self.pretrain_results(job_id)
        if row.kind == "study":
            return study_results()
        if row.kind == "evaluate":
            return evaluation(row.name)
        return comparison() if row.kind == "compare" else None

    def events(self, job_id: str, after_seq: int = -1, limit: int = 500) -> list[Any]:
        told = [
            Started(seq=0, time="2026-11-22T09:00:01.120Z", kind="pretrain", host="ward7", pid=4242),
            Progress(seq=1, time="2026-11-22T09:00:03.004Z", done=20, total=800, unit="steps", seconds_left=71.0),
            Metric(seq=2, time="2026-11-22T09:00:03.005Z", step=20, values={"loss": 4.72, "trivial_loss": 4.86}),
            Checkpoint(seq=3, time="2026-11-22T09:00:21.740Z", step=200, name="step-000200"),
            Warned(seq=4, time="2026-11-22T09:00:21.800Z", message="2 patients have one crop only"),
        ]
        return [event for event in told if event.seq > after_seq][:limit] if self.rows[job_id].started else []

    def cohorts(self) -> list[CohortRow]:
        return [CohortRow("all", 140, 140, "S-demo", "5 patient folds", SHA, 0, 3, "2026-11-22T08:59:00.000Z")]

    def models(self) -> list[ModelRow]:
        return [
            ModelRow(name, "1", SOURCES[name], SHA, "2026-11-22T09:00:00Z", {}, "J0002" if name == "demo" else "")
            for name in MODELS
        ]

    def add_random_model(self, name: str, backbone: S4Config, **more: Any) -> ModelRow:
        self._said("add_random_model", name, backbone.width, more)
        return ModelRow(name, "1", "random", SHA, "2026-11-22T09:00:00Z", {})

    def add_baseline(self, name: str = "age + sex") -> ModelRow:
        self._said("add_baseline", name)
        return ModelRow(name, "1", "baseline", SHA, "2026-11-22T09:00:00Z", {})

    def add_predictions(self, csv: Path, name: str | None = None, trained_on: str = "", **said: Any) -> ModelRow:
        self._said("add_predictions", csv)
        return ModelRow(name or csv.stem, "1", "predictions", SHA, "2026-11-22T09:00:00Z", {})

    def labels(self) -> list[LabelSummary]:
        return [LabelSummary(n, p, 140 - p, 0, p, 140 - p) for n, p in zip(LABELS, POSITIVES, strict=True)]

    def evaluate(
        self,
        model: str,
        cohort: str,
        labels: Any = (),
        settings: Any = None,
        *,
        targets: Any = (),
        task: str = "",
        search: bool = False,
    ) -> str:
        self._said("evaluate", model, cohort, tuple(labels) or task, settings.resamples, settings.seed, search)
        return self._queue("evaluate", model)

    def tasks(self) -> list[TaskRow]:
        adult, here = "adult ECG interpretation", ("ptbxl-super", "PTB-XL superclasses")
        told = TaskRow(*here, "ptbxl", adult, "multi-label", 5, "folds", 4, 140, "")
        return [told, replace(told, name="ptbxl-all", here=0)]

    def measures_at(
        self, job_id: str, label: str, threshold: float, prevalence: float | None = None
    ) -> dict[str, Estimate]:
        ppv = estimate(0.4 if prevalence is None else prevalence, 0.01)
        return {"sensitivity": estimate(0.9 - threshold / 10, 0.04), "ppv": ppv}

    def scored(self, job_id: str, label: str) -> ScoredRecords:
        if job_id in self.scoreless:
            raise WorldError(f"job {job_id}", "its scores are missing or damaged", "Evaluate again")
        return scored_of_the_full_label()

    def failure_reviews(self, job_id: str) -> Reviews:
        return dict(self.reviews)

    def reviews_elsewhere(self, job_id: str) -> ReviewsElsewhere:
        return {}

    def review_failure(self, job_id: str, label: str, record: str, verdict: Any, note: str = "") -> Review:
        self._said("review_failure", job_id, label, record, verdict, note)
        self.reviews[label, record] = Review(verdict, note, "2026-11-23T14:00:00.000Z")
        return self.reviews[label, record]

    def clear_review(self, job_id: str, label: str, record: str) -> None:
        self._said("clear_review", job_id, label, record)
        del self.reviews[label, record]

    def record(self, id_or_name: str) -> Any:
        raise UsageError("recording", "the workspace holds none of this id or name", "See: isoline records")

    def signal(self, record_id: str) -> Any:
        if record_id not in self.signals:
            raise UsageError("recording", "the store holds none of this id", "See: isoline records")
        return self.signals[record_id]

    def measured_numbers(self) -> dict[str, int]:
        return {"heart rate": 131}

    def evaluations(self) -> list[EvaluationRow]:
        rows = sorted((row for row in self.rows.values() if row.kind == "evaluate"), key=lambda row: row.job_id)
        return [self._evaluation_row(row) for row in reversed(rows)]

    def _evaluation_row(self, row: JobRow) -> EvaluationRow:
        results = self.results(row.job_id)
        mode = results.mode if results else "linear probe"
        return EvaluationRow(row, mode, "", 4, 0, results.macro if results else None, None)

    def evaluation_cost(
        self, model: str, cohort: str, labels: Any = (), settings: Any = None, *, targets: Any = (), task: str = ""
    ) -> EvaluationCost:
        trained = settings.mode != "linear"
        crops = 5 * 112 * settings.training.epochs if trained else 0
        told = "Embedding: 20 recordings a second, as in run J0003."
        return EvaluationCost(
            model,
            cohort,
            settings.mode,
            len(labels),
            len(targets),
            140,
            100,
            5 if trained else 0,
            settings.training.epochs if trained else 0,
            crops,
            65.0 if model != "demo" else None,
            (told,),
        )

    def compare(
        self, evaluation_jobs: Any, seed: int = 0, resamples: int = 2000, margin: Any = None, confirmatory: bool = False
    ) -> str:
        self._said("compare", tuple(evaluation_jobs), seed, resamples)
        return self._queue("compare", "comparison")

    def stop(self, job_id: str) -> None:
        self._said("stop", job_id)
        self.rows[job_id] = replace(self.rows[job_id], state="stopped", message="stopped as asked")

    def resume(self, job_id: str) -> None:
        self._said("resume", job_id)
        self.rows[job_id] = replace(self.rows[job_id], state="queued", message="")

    def pump(self) -> Changes:
        return Changes.NOTHING

    def dossier(self, comparison_job: str, title: str | None = None) -> Dossier:
        self._said("dossier", comparison_job, title)
        made = make_dossier()
        return replace(made, comparison_job=comparison_job, title=title or made.title)

    def refuse_identifiers(self, what: str, path: Path, texts: dict[str, str]) -> None:
        self.calls.append(("refuse_identifiers", path.name, *texts))

    def export_report(self, out: Path, comparison_job: str | None = None, title: str | None = None) -> ReportRow:
        self._said("export_report", out, comparison_job, title)
        Path(out).write_bytes(b"%PDF-1.7\n")
        return ReportRow(str(out), SHA, "2026-11-22T09:10:00Z", comparison_job or "J0007", 41)

    def reports(self) -> list[ReportRow]:
        return []

    def verify_report(self, pdf: Path) -> Verification:
        self._said("verify_report", pdf)
        return Verification(
            file=Path(pdf).name,
            checks=(
                Check("PDF as exported", True, "sha256 9f2c9f2c..., exported 2026-11-22 09:10"),
                Check("audit chain", True, "41 events, head 51d0..."),
                Check("results of J0004", False, "the database holds other results than the PDF prints"),
            ),
        )

    def _queue(self, kind: str, name: str) -> str:
        job_id = f"J{len(self.rows) + 1:04d}"
        self.rows[job_id] = job(job_id, kind, name, "queued", started="", finished="", progress=ProgressRow())
        return job_id


def default_jobs() -> list[JobRow]:
    going = ProgressRow(400, 800, "steps", "", 38.0)
    return [
        job("J0001", "import", "ptbxl sample", "done", progress=ProgressRow(140, 140, "files")),
        job("J0002", "pretrain", "demo", "running", finished="", progress=going),
        job("J0003", "evaluate", "random S4", "done"),
        job("J0004", "evaluate", "demo", "done"),
        job("J0005", "evaluate", "age + sex", "done"),
        job(
            "J0006",
            "pretrain",
            "wide",
            "interrupted",
            finished="",
            progress=ProgressRow(212, 800, "steps"),
            message="the engine ended without saying why",
            next_step="Resume it to go on from step 200",
        ),
        job("J0007", "compare", "demo, age + sex against random S4", "done"),
        job(
            "J0008",
            "evaluate",
            "broken",
            "failed",
            message="model broken: its weights do not match the card's hash",
            next_step="Register the checkpoint again",
        ),
        job("J0009", "evaluate", "demo", "queued", started="", finished="", progress=ProgressRow()),
    ]
