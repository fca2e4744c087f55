"""Exporting what a run found: every number as a table, every figure as SVG, from the database alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app.core import costs, jobs, results, reviews
from app.core.home import Home
from app.report.failure_numbers import FILE as MISTAKES
from app.report.failure_numbers import failure_table
from app.report.figure import Figure
from app.report.number_table import number_table
from app.report.written import write_texts
from engine.contract.efficiency import EfficiencyResults
from engine.contract.errors import UsageError
from engine.contract.results import AnyResults, CompareResults, EvaluateResults, VersionResults

NUMBERS = "numbers.csv"


def figures_of(
    found: AnyResults, below: Sequence[EvaluateResults] = (), others: Sequence[EfficiencyResults] = ()
) -> list[Figure]:
    """The figures of a run's results; none for a kind that has none.

    Args:
        found: the results.
        below: of a comparison: the evaluations that it rests on; of a measurement of cost: those that tell the AUROC.
        others: of a measurement of cost: those of other models.
    """
    from app.report import drift_figures, efficiency_figures, model_figures, stress_figures, version_figures

    if isinstance(found, CompareResults):
        return model_figures.comparison_figures(found, below)
    if isinstance(found, EfficiencyResults):
        return efficiency_figures.figures(found, others, below)
    ways: dict[str, Callable[[Any], list[Figure]]] = {
        "stress": stress_figures.figures,
        "drift": drift_figures.figures,
        "evaluate": model_figures.evaluation_figures,
        "version": version_figures.figures,
    }
    return ways[found.kind](found) if found.kind in ways else []


def export(home: Home, job_id: str, folder: Path) -> list[Path]:
    """Write the numbers and figures of a finished run into a folder; gives back the files.

    A figure that knows the numbers behind it brings them as a table of its own name; an evaluation brings its worst
    mistakes with what was made of them.

    Raises:
        UsageError: no such job, or it has no results.
        WorldError: the folder cannot be written, or a file would hold an identifier seen at import.
    """
    from app.report.svg import svg_text

    with home.db.read() as session:
        found = results.results(session, job_id)
        if found is None:
            raise UsageError(f"job {job_id}", "it has no results", "Wait until it is done, or name another job")
        figures = figures_of_run(session, job_id, found)
        mistakes = reviews.failures(session, job_id) if isinstance(found, EvaluateResults) else []
    texts = {NUMBERS: number_table(found)}
    if mistakes:
        texts[MISTAKES] = failure_table(mistakes)
    for one in figures:
        texts[f"{one.name}.svg"] = svg_text(one.drawing, one.title, one.told)
        if one.numbers:
            texts[f"{one.name}.csv"] = one.numbers
    return write_texts(home, "figures", folder, texts)


def overviews(found: AnyResults) -> list[Figure]:
    """Several figures of a run in one, for its view; none for a kind whose figures each stand alone."""
    from app.report import version_figures

    made = version_figures.overview(found) if isinstance(found, VersionResults) else None
    return [] if made is None else [made]


def figures_of_run(session: Session, job_id: str, found: AnyResults) -> list[Figure]:
    """The figures of a run, with what they need of other runs."""
    if isinstance(found, CompareResults):
        return figures_of(found, _evaluations(session, job_id, found.models))
    if isinstance(found, EfficiencyResults):
        others, evaluations = costs.beside(session, found)
        return figures_of(found, evaluations, others)
    return figures_of(found)


def _evaluations(session: Session, job_id: str, names: Sequence[str]) -> list[EvaluateResults]:
    """The evaluations below a comparison, under the names that it uses; those whose results are gone are left out."""
    folders = jobs.config_of(jobs.get(session, job_id))["evaluations"]
    told = [results.results(session, Path(folder).name) for folder in folders]  # a run folder is called like its job
    both = zip(names, told, strict=True)
    return [one.model_copy(update={"model": name}) for name, one in both if isinstance(one, EvaluateResults)]
