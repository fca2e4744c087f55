"""What the Compare page reads: a comparison with its evaluations, and what else was run on the models compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from app.core.rows import JobRow
from engine.contract.efficiency import EfficiencyResults
from engine.contract.errors import WorldError
from engine.contract.results import CompareResults, EvaluateResults
from engine.contract.stress import StressResults

if TYPE_CHECKING:
    from app.workspace import Workspace

T = TypeVar("T", EfficiencyResults, StressResults)


@dataclass(frozen=True)
class Comparison:
    """A comparison with the evaluations that it rests on, the model examined first."""

    job: JobRow
    results: CompareResults
    evaluations: tuple[EvaluateResults, ...]

    @property
    def order(self) -> dict[str, int]:
        """By model: its place in the comparison, which gives it colour and marker everywhere."""
        return {name: place for place, name in enumerate(self.results.models)}

    @property
    def labels(self) -> list[str]:
        """Labels of the evaluations, each once."""
        return list(dict.fromkeys(label.label for one in self.evaluations for label in one.labels))


def load_comparison(workspace: Workspace, job_id: str) -> Comparison:
    """All that the page shows of one comparison; called off the window's thread.

    Raises:
        WorldError: the database holds no results of this comparison.
    """
    results = workspace.results(job_id)
    if not isinstance(results, CompareResults):
        raise WorldError(f"comparison {job_id}", "it has no results", "Start it again on the page Runs")
    jobs = zip(results.models, evaluation_jobs(workspace, job_id), strict=True)
    told = ((name, workspace.results(job)) for name, job in jobs)
    # Under the names of the comparison: one model may be in it twice, in two modes.
    named = [one.model_copy(update={"model": name}) for name, one in told if isinstance(one, EvaluateResults)]
    return Comparison(workspace.job(job_id), results, tuple(named))


def evaluation_jobs(workspace: Workspace, job_id: str) -> list[str]:
    """Ids of the evaluations of a comparison: its config names their run folders, which are called like the jobs."""
    folders = workspace.job_detail(job_id).config["evaluations"]
    return [Path(str(folder).replace("\\", "/")).name for folder in folders]


def efficiencies(workspace: Workspace, comparison: Comparison) -> dict[str, EfficiencyResults]:
    """The newest finished measurement of cost of each model compared; called off the window's thread."""
    return _newest(workspace, comparison, "efficiency", EfficiencyResults, lambda found, one: True)


def stress_benches(workspace: Workspace, comparison: Comparison) -> dict[str, StressResults]:
    """The newest finished stress bench of each model on the comparison's test part; called off the window's thread."""
    return _newest(
        workspace, comparison, "stress", StressResults, lambda found, one: found.test_sha256 == one.test_sha256
    )


def _newest(
    workspace: Workspace,
    comparison: Comparison,
    kind: str,
    page: type[T],
    fits: Callable[[T, EvaluateResults], bool],
) -> dict[str, T]:
    """By model in the comparison's order: the newest results of a kind of run that are of the same weights."""
    jobs = sorted((job for job in workspace.jobs() if job.kind == kind and job.state == "done"), key=_finished)
    found = [one for one in (workspace.results(job.job_id) for job in jobs) if isinstance(one, page)]
    told: dict[str, T] = {}
    for evaluation in comparison.evaluations:
        own = [one for one in found if one.model_sha256 == evaluation.model_sha256 and fits(one, evaluation)]
        if own:
            told[evaluation.model] = own[-1]
    return told


def _finished(job: JobRow) -> str:
    return job.finished


def models_without(comparison: Comparison, told: Sequence[str]) -> str:
    """The models that a figure lacks, in words; empty when it lacks none."""
    return ", ".join(name for name in comparison.results.models if name not in told)
