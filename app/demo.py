"""`isoline demo`: the whole main job on the shipped recordings, ending with a verified PDF and an honest summary.

It uses the same `Workspace` methods as window and command line; nothing here is special to the demo but the names.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app import printing
from app.assets import asset
from app.progress import ProgressLine, duration, follow
from app.recipes import recipe_config
from app.workspace import Workspace
from engine.contract.config import EvaluationSettings, FewLabels, PretrainConfig
from engine.contract.errors import WorldError
from engine.contract.evaluation import FewLabelPoint
from engine.contract.results import CompareResults, Difference, Estimate, EvaluateResults

MINIMUM_POSITIVES = 20
FOLDS = 5
SEED = 0
SHIPPED_SCORES = "supplied scores (age + sex)"
REPORT = "due-diligence.pdf"


@dataclass(frozen=True)
class DemoOutcome:
    """What the demo made, and what it found."""

    workspace: Path
    pdf: Path
    verified: bool
    records: int
    patients: int
    labels: tuple[str, ...]
    quality: dict[str, int]
    macro: dict[str, Estimate]
    differences: tuple[Difference, ...]
    few_labels: tuple[FewLabelPoint, ...]
    claims: tuple[str, ...]
    seconds: dict[str, float]


class Stopwatch:
    """Seconds of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage; the time counts only when the stage ends well."""
        began = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - began, 2)


def run_demo(out: Path | None = None, config: PretrainConfig | None = None) -> DemoOutcome:
    """Import, check, pretrain, evaluate, compare, export, verify.

    Args:
        out: folder of the new workspace; `./isoline-demo` or the next free name when not given.
        config: pretraining to run instead of the recipe `demo`.

    Raises:
        WorldError: the folder is taken, or a run failed.
    """
    path, watch = demo_folder(out), Stopwatch()
    config = config or recipe_config("demo", [])
    with Workspace.create(path) as workspace:
        with watch.stage("import"):
            _import_sample(workspace)
        labels = frequent_labels(workspace)
        workspace.create_cohort("sample", labels=labels, folds=FOLDS, seed=SEED, search=True)
        with watch.stage("pretrain"):
            trained = _pretrain(workspace, config)
        names = [trained, *_comparators(workspace, config)]
        with watch.stage("evaluate"):
            evaluations = [_evaluate(workspace, name, labels, fewer=name == trained) for name in names]
        with watch.stage("compare"):
            comparison = workspace.compare(evaluations, seed=SEED)
            follow(workspace, comparison, "Compare")
        with watch.stage("report"):
            verified = _export(workspace, comparison, path / "reports" / REPORT)
        return _outcome(workspace, evaluations, comparison, verified, watch.seconds)


def demo_folder(out: Path | None) -> Path:
    """Where the demo's workspace goes.

    Raises:
        WorldError: the named folder exists and is not empty.
    """
    if out is None:
        candidate, number = Path("isoline-demo"), 1
        while candidate.exists():
            number += 1
            candidate = Path(f"isoline-demo-{number}")
        return candidate.absolute()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise WorldError(f"folder {out}", "it exists and is not empty", "Name a new or an empty folder with --out")
    return out.absolute()


def frequent_labels(workspace: Workspace) -> list[str]:
    """Labels with enough positives to say anything at all."""
    return [row.label for row in workspace.labels() if row.positives >= MINIMUM_POSITIVES]


def _import_sample(workspace: Workspace) -> None:
    folder = asset("samples", "ptbxl")
    job = workspace.import_files([folder], dataset="PTB-XL sample", labels=folder / "labels.csv")
    follow(workspace, job, "Import")
    refused = [outcome for outcome in workspace.outcomes(job) if outcome.status == "refused"]
    if refused:
        raise WorldError("shipped sample", f"{len(refused)} of its files were refused", "Install Isoline again")


def _pretrain(workspace: Workspace, config: PretrainConfig) -> str:
    job = workspace.pretrain(config)
    follow(workspace, job, "Pretrain")
    return next(model.name for model in workspace.models() if model.job_id == job)


def _comparators(workspace: Workspace, config: PretrainConfig) -> list[str]:
    """The humble ones: same architecture untrained, age + sex, and a file of scores as a vendor would send it."""
    scores = asset("samples", "ptbxl", "predictions-age-sex.csv")
    return [
        workspace.add_random_model(
            "random S4", config.backbone, seed=SEED, rate_hz=config.rate_hz, window_s=config.window_s
        ).name,
        workspace.add_baseline().name,
        workspace.add_predictions(scores, SHIPPED_SCORES).name,
    ]


def _evaluate(workspace: Workspace, name: str, labels: list[str], fewer: bool) -> str:
    """Queue one evaluation and wait for it; of the trained model also a curve over fewer labelled patients."""
    settings = EvaluationSettings(seed=SEED, few_labels=FewLabels() if fewer else None)
    job = workspace.evaluate(name, "sample", labels, settings)
    follow(workspace, job, f"Evaluate {job}")
    return job


def _export(workspace: Workspace, comparison: str, pdf: Path) -> bool:
    with ProgressLine("Report") as line:
        workspace.export_report(pdf, comparison_job=comparison)
        verified = workspace.verify_report(pdf).ok
        line.finish("exported and verified" if verified else "exported, does NOT verify")
    return verified


def _outcome(
    workspace: Workspace, evaluations: list[str], comparison: str, verified: bool, seconds: dict[str, float]
) -> DemoOutcome:
    results = [workspace.results(job) for job in evaluations]
    compared, cohort = workspace.results(comparison), workspace.cohort("sample")
    if not isinstance(compared, CompareResults):
        raise TypeError("a comparison left no comparison results")
    scored = [result for result in results if isinstance(result, EvaluateResults)]
    return DemoOutcome(
        workspace=workspace.path,
        pdf=workspace.path / "reports" / REPORT,
        verified=verified,
        records=cohort.records,
        patients=cohort.patients,
        labels=tuple(item.label for item in scored[0].labels),
        quality=workspace.quality_summary(),
        macro={result.model: result.macro for result in scored},
        differences=tuple(d for d in compared.differences if d.label == "macro"),
        few_labels=tuple(scored[0].few_labels.points) if scored[0].few_labels is not None else (),
        claims=workspace.dossier(comparison).claims,
        seconds={**seconds, "total": round(sum(seconds.values()), 2)},
    )


def summary(outcome: DemoOutcome) -> str:
    """The one summary at the end: the PDF, the numbers with intervals, and what they allow one to claim."""
    quality = ", ".join(f"{count:,} {verdict}" for verdict, count in outcome.quality.items() if count)
    scored = [(name, printing.estimate(value)) for name, value in outcome.macro.items()]
    stages = ", ".join(f"{name} {duration(took)}" for name, took in outcome.seconds.items() if name != "total")
    head = printing.fields(
        [
            ("PDF", outcome.pdf),
            (
                "Verified",
                "every hash and number matches the workspace" if outcome.verified else "NO, see isoline verify",
            ),
            ("Data", f"{outcome.records:,} recordings of {outcome.patients:,} patients (PTB-XL, CC BY 4.0)"),
            ("Quality", quality),
            ("Labels", ", ".join(outcome.labels)),
            ("Time", f"{duration(outcome.seconds['total'])} ({stages})"),
        ]
    )
    return "\n" + "\n\n".join(
        [
            head,
            printing.table(("Model", f"Macro AUROC, out of fold over {FOLDS} patient folds (95 % interval)"), scored),
            printing.differences(outcome.differences),
            _fewer(outcome.few_labels),
            "What these intervals allow one to claim",
            "\n".join(printing.paragraph(claim, "- ") for claim in outcome.claims),
            f"Open the window on it: isoline gui {outcome.workspace}",
        ]
    )


def _fewer(points: tuple[FewLabelPoint, ...]) -> str:
    """What the trained model's probe reaches with fewer labelled patients."""
    rows = [(f"{one.patients:,.0f}", printing.estimate(one.macro)) for one in points]
    heads = ("Labelled patients", "Macro AUROC of the trained model, mean of repeats (95 % interval)")
    return printing.table(heads, rows, right=heads[:1])
