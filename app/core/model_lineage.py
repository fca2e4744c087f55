"""Where a model comes from and what was made of it: parents, corpora, runs, children, evaluations, as one graph."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import models
from app.core.corpus_names import tells
from app.core.schema import Job, RegisteredModel

LineageKind = Literal["model", "unregistered model", "corpus", "run", "examination"]
MOST_NODES = 500
"""A graph of more tells nobody anything; the newest examinations are kept."""

_EXAMINES = ("evaluate", "stress", "drift", "vet", "efficiency", "embed", "version", "try")


@dataclass(frozen=True)
class LineageNode:
    """One thing of the graph.

    Attributes:
        key: unlike any other of this graph: "model NAME", "run J0003", "corpus TEXT".
        kind: what it is.
        name: as printed.
        told: one line on it; empty where there is nothing to say.
    """

    key: str
    kind: LineageKind
    name: str
    told: str = ""


@dataclass(frozen=True)
class LineageEdge:
    """From what came first to what came of it, and how."""

    start: str
    end: str
    how: str


@dataclass
class LineageGraph:
    """The lineage of one model; its own node is the first."""

    nodes: list[LineageNode] = field(default_factory=list)
    edges: list[LineageEdge] = field(default_factory=list)

    def add(self, node: LineageNode, edge: LineageEdge | None = None) -> None:
        """Add a node, once, and an edge, once."""
        if all(node.key != other.key for other in self.nodes):
            self.nodes.append(node)
        if edge is not None and edge not in self.edges:
            self.edges.append(edge)


def model_lineage(session: Session, name: str) -> LineageGraph:
    """The graph around one model. Raises UsageError when there is none of this name."""
    found = models.get(session, name)
    graph = LineageGraph()
    graph.add(_model(found))
    _before(session, found, graph, {found.number})
    _after(session, found, graph)
    _examinations(session, found, graph)
    return graph


def model_versions(session: Session, product: str) -> list[RegisteredModel]:
    """The registered versions of a product in the order of their registration; none where there is no such product."""
    rows = session.scalars(select(RegisteredModel).order_by(RegisteredModel.number))
    return [row for row in rows if product and row.card.get("product") == product]


def _model(found: RegisteredModel) -> LineageNode:
    return LineageNode(f"model {found.name}", "model", found.name, f"version {found.version}, {found.source}")


def _before(session: Session, found: RegisteredModel, graph: LineageGraph, seen: set[int]) -> None:
    """What a model came from: the run that made it, its corpus, its parent, and what that came from."""
    line, own = found.card.get("lineage") or {}, f"model {found.name}"
    run = found.job_id or str(line.get("run_id", ""))
    if run and tells(run):
        job = session.scalar(select(Job).where(Job.job_id == run))
        graph.add(
            LineageNode(f"run {run}", "run", run, job.kind if job else "not of this workspace"),
            LineageEdge(f"run {run}", own, "made"),
        )
    corpus = str(line.get("corpus", ""))
    if tells(corpus):
        graph.add(LineageNode(f"corpus {corpus}", "corpus", corpus), LineageEdge(f"corpus {corpus}", own, "trained"))
    sha256 = str(line.get("parent_sha256", ""))
    if not sha256:
        return
    parent = session.scalar(select(RegisteredModel).where(RegisteredModel.sha256 == sha256))
    if parent is None:
        name = str(line.get("parent_name", "")) or "another model"
        node = LineageNode(
            f"weights {sha256}", "unregistered model", name, f"sha256 {sha256[:12]}, not registered here"
        )
        graph.add(node, LineageEdge(node.key, own, "went on"))
    elif parent.number not in seen:
        graph.add(_model(parent), LineageEdge(f"model {parent.name}", own, "went on"))
        _before(session, parent, graph, seen | {parent.number})


def _after(session: Session, found: RegisteredModel, graph: LineageGraph) -> None:
    """What was made of a model, however many steps on."""
    rows = list(session.scalars(select(RegisteredModel).order_by(RegisteredModel.number)))
    waiting, seen = [found], {found.number}
    while waiting and len(graph.nodes) < MOST_NODES:
        one = waiting.pop()
        for row in rows:
            if row.number not in seen and (row.card.get("lineage") or {}).get("parent_sha256") == one.sha256:
                seen.add(row.number)
                waiting.append(row)
                graph.add(_model(row), LineageEdge(f"model {one.name}", f"model {row.name}", "went on"))


def _examinations(session: Session, found: RegisteredModel, graph: LineageGraph) -> None:
    query = select(Job).where(Job.model == found.name, Job.kind.in_(_EXAMINES)).order_by(Job.number.desc())
    for job in session.scalars(query.limit(MOST_NODES)):
        told = ", ".join(filter(None, (job.kind, f"on {job.cohort}" if job.cohort else "", job.state)))
        key = f"run {job.job_id}"
        graph.add(
            LineageNode(key, "examination", job.job_id, told), LineageEdge(f"model {found.name}", key, "examined")
        )
