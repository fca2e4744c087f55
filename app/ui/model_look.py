"""All that a look at one model brings back beside its card: lineage, versions, the newest vetting. No widgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.model_lineage import LineageGraph
from app.core.rows import JobRow
from app.core.vetting import Vetting
from app.ui.model_rows import ListedModel, card_of

if TYPE_CHECKING:
    from app.workspace import Workspace


@dataclass(frozen=True)
class ModelLook:
    """What the workspace knows of a model.

    Attributes:
        name: of the model.
        lineage: what it came from and what came of it.
        versions: all models of its product, itself among them; none where it is of no product.
        newest: its newest vetting, whatever became of it.
        vetted: its newest vetting that is done, with what it found.
        jobs: all jobs on it.
        comparisons: version regressions between models of its product, the newest first.
    """

    name: str
    lineage: LineageGraph
    versions: tuple[ListedModel, ...] = ()
    newest: JobRow | None = None
    vetted: Vetting | None = None
    jobs: tuple[JobRow, ...] = ()
    comparisons: tuple[JobRow, ...] = ()


def look(workspace: Workspace, model: ListedModel) -> ModelLook:
    """Ask the workspace; called off the window's thread."""
    name = model.name
    jobs = tuple(job for job in workspace.jobs() if job.model == name)
    vettings = [job for job in jobs if job.kind == "vet"]
    versions = workspace.model_versions(model.product) if model.product else []
    return ModelLook(
        name,
        workspace.model_lineage(name),
        tuple(ListedModel(row, card_of(row)) for row in versions),
        max(vettings, key=lambda job: job.created, default=None),
        workspace.latest_vetting(name) if vettings else None,
        jobs,
        tuple(workspace.version_changes([row.name for row in versions])) if len(versions) > 1 else (),
    )
