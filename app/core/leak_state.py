"""What is known of leaks into a cohort: which sides were searched, when, and what was found. Read from finished runs.

A search looks at the parts of the cohort in any case, and at what else it was asked to look at. Of each side the latest
search counts. The lists of pairs, which may be long, are not read for this.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.rows import LeakSearch, LeakState, LeakVerdict
from app.core.schema import Job
from app.core.words import counted
from engine.contract.leakage import AGAINST
from engine.contract.results import Meeting
from engine.data.findings import sentences

PARTS = ""
"""The side of a search that is the cohort's own parts."""


def state_of(session: Session, cohort: str) -> LeakState:
    """What is known of leaks into a cohort of this name."""
    return states(session, [cohort])[cohort]


def states(session: Session, cohorts: Sequence[str]) -> dict[str, LeakState]:
    """What is known of leaks into these cohorts, by name."""
    searches: dict[str, dict[str, LeakSearch]] = {name: {} for name in cohorts}
    open_jobs: dict[str, tuple[str, str]] = {}
    fields = ("parts", "meetings", "notes", "unchecked")
    columns = [func.json_extract(Job.results, f"$.{field}") for field in fields]
    query = select(Job.cohort, Job.job_id, Job.state, Job.finished, *columns)
    query = query.where(Job.kind == "leakage", Job.cohort.in_(cohorts)).order_by(Job.number.desc())
    for name, job_id, state, finished, *told in session.execute(query):
        if state == "done" and told[0] is not None:
            for side in _sides(job_id, finished, *told):
                searches[name].setdefault(side.against, side)
        else:
            open_jobs.setdefault(name, (job_id, state))
    return {name: _state(name, tuple(searches[name].values()), open_jobs.get(name)) for name in cohorts}


def _sides(job_id: str, finished: str, parts: str, meetings: str, notes: str, unchecked: int) -> list[LeakSearch]:
    """What one search says of each side that it looked at, the cohort's own parts first."""
    sizes: Mapping[str, int] = json.loads(parts)
    found = [Meeting.model_validate(one) for one in json.loads(meetings)]
    own = {part: size for part, size in sizes.items() if not part.startswith(AGAINST)}
    leaks = [one for one in found if one.leak]
    inside = [one for one in leaks if not one.other.startswith(AGAINST)]
    size, notes_ = sum(own.values()), tuple(json.loads(notes))
    told = [LeakSearch(PARTS, job_id, finished, size, unchecked, _copies(inside), tuple(sentences(inside)), notes_)]
    for part, held in sizes.items():
        if part.startswith(AGAINST):
            met = [_whole([one for one in leaks if one.other == part], part)]
            told.append(LeakSearch(_named(part), job_id, finished, held, 0, _copies(met), tuple(sentences(met))))
    return told


def _whole(meetings: Sequence[Meeting], other: str) -> Meeting:
    """What the cohort as a whole has in common with another side: its parts share neither patients nor recordings."""
    counts = {
        name: sum(getattr(one, name) for one in meetings) for name in ("patients", "patient_records", "exact", "copies")
    }
    return Meeting(part="the cohort", other=other, leak=True, **counts)


def _copies(meetings: Sequence[Meeting]) -> int:
    return sum(one.copies for one in meetings)


def _named(part: str) -> str:
    return part.removeprefix(AGAINST).strip()


def _state(cohort: str, searches: tuple[LeakSearch, ...], pending: tuple[str, str] | None) -> LeakState:
    own = next((one for one in searches if one.against == PARTS), None)
    verdict: LeakVerdict
    if own is not None:
        verdict = "leaks" if own.findings else "none found"
        return LeakState(cohort, verdict, _sentence(own), own.job_id, searches)
    if pending is None:
        return LeakState(cohort, "not searched", "not searched for copies")
    job_id, state = pending
    if state in ("queued", "running"):
        return LeakState(cohort, "searching", f"the search for copies ({job_id}) has not ended yet", job_id)
    ended = {"failed": "failed", "interrupted": "was cut short"}.get(state, "was stopped")
    return LeakState(cohort, "not searched", f"not searched for copies: the search {job_id} {ended}", job_id)


def _sentence(own: LeakSearch) -> str:
    when = f"searched on {own.finished[:10]}, {own.job_id}"
    missed = f"; {counted(own.unchecked, 'recording')} could not be compared" if own.unchecked else ""
    if own.findings:
        return f"{'; '.join(own.findings)} ({when}{missed})"
    return f"no patient and no copy in two parts, {counted(own.size, 'recording')} compared ({when}{missed})"
