"""Pretrainings that run on another machine: a run folder that stands alone goes out, and comes back when it is done.

The job stays in the list as stopped, with the run folder that every job has. What goes out is a copy of it with the
store as the other machine sees it, the checkpoint of a parent, and the labels of a probe if there is one. What comes
back must be that run: manifest and config are held against the job's, the weights against the results.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.core import audit, cohorts, ingest, jobs, leaving, pretrainings, probes
from app.core.config_paths import config_sha256, resolved
from app.core.digests import sha256_of
from app.core.home import Home
from app.core.models import CARD, WEIGHTS
from app.core.schema import Job
from engine.contract.config import PretrainConfig
from engine.contract.errors import UsageError, WorldError
from engine.contract.events import Finished, read_events
from engine.contract.results import PretrainResults, parse_results
from engine.contract.run import RunFolder, write_whole

OF_THE_MACHINE = ("store", "parent", "threads", "loaders", "ranks", "device", "keep_checkpoints")
"""Settings that may be changed where the run is: they do not shape the model."""

PARENT = "parent"
_TAKEN = ("events.jsonl", "results.json", "console.log", "checkpoints", "probes")


def export(
    session: Session,
    home: Home,
    config: PretrainConfig,
    path: Path,
    cohort: str | None = None,
    parent: str | None = None,
    store_as: str = "",
) -> str:
    """Make a run folder that another machine can work on; gives back the id of its job, which waits for it.

    Args:
        session: an open write transaction.
        home: the workspace.
        config: what is trained.
        path: the folder that is made.
        cohort: whose recordings are read; none reads all.
        parent: name of a native model that is gone on from; its checkpoint goes along.
        store_as: where the other machine will see the store, also relative to the run folder; empty leaves it.

    Raises:
        UsageError: unknown cohort, parent or label.
        WorldError: too few recordings, the folder exists or cannot be written, or it would hold an identifier seen at
            import.
    """
    path = path.expanduser().resolve()
    job = jobs.get(session, pretrainings.pretrain(session, home, config, cohort, parent))
    told = "exported, to be run elsewhere"
    jobs.set_state(job, "stopped", told, f"When it is done: isoline pretrain --adopt {path.name}")
    if (opened := probes.opened_by(job)) is not None:
        cohorts.open_split(session, job, *opened)
    settled = resolved(jobs.config_of(job), home.path)
    assert isinstance(settled, PretrainConfig)
    leaving.refuse_identifiers(session, home.key, "run folder", _words(settled, path, store_as))
    with _whole_or_not_at_all(path):
        _write(session, home, job, settled, path, store_as)
    detail = {"config_sha256": config_sha256(jobs.config_of(job)), "manifest_sha256": job.manifest_sha256}
    audit.append(session, "run exported", job.job_id, {**detail, "labels": settled.probe is not None})
    return job.job_id


def _words(config: PretrainConfig, path: Path, store_as: str) -> dict[str, str]:
    """All words of a run folder: its config as it will stand there, the card of a parent, its name."""
    places = {"store": store_as or config.store, "parent": PARENT if config.parent else ""}
    texts = leaving.by_place(config.model_copy(update=places))
    if config.parent:
        texts["card of the parent"] = (Path(config.parent) / CARD).read_text(encoding="utf-8")
    return texts | {leaving.NAME_OF_FILE: path.name}


@contextmanager
def _whole_or_not_at_all(path: Path) -> Iterator[None]:
    if path.exists():
        raise WorldError(f"run folder {path.name}", "it exists already", "Choose another name")
    try:
        yield
    except BaseException as error:
        shutil.rmtree(path, ignore_errors=True)
        if not isinstance(error, OSError):
            raise
        reason = f"it cannot be written ({error.strerror or type(error).__name__})"
        raise WorldError(f"run folder {path.name}", reason, "Choose another folder, or free some space") from None


def _write(session: Session, home: Home, job: Job, config: PretrainConfig, path: Path, store_as: str) -> None:
    places = {"store": store_as or config.store, "parent": PARENT if config.parent else ""}
    folder = RunFolder.create(path, config.model_copy(update=places), home.run(job.job_id).manifest())
    if config.parent:
        shutil.copytree(config.parent, path / PARENT)
    probes.write_labels(session, config, folder)
    write_whole(folder.export_path, json.dumps({"workspace": home.id, "job": job.job_id}, indent=1) + "\n")


def adopt(home: Home, path: Path) -> str:
    """Take a finished run back: its events, results and checkpoints; its model is registered. Gives back the job's id.

    Raises:
        UsageError: no exported run folder, or one of another workspace.
        WorldError: it is not done, it is not the run that was exported, or it was run or taken back here already.
    """
    folder = RunFolder(path.expanduser().resolve())
    job_id = _job_of(home, folder)
    with home.db.read() as session:
        config = _check(session, job_id, folder)
    draft = home.run(job_id).path / "adopted.tmp"
    try:
        _copy(folder, draft)
        with home.db.write() as session:
            _check(session, job_id, folder)
            for item in draft.iterdir():
                item.replace(home.run(job_id).path / item.name)
            _begin(session, job_id, folder, config)
    except OSError as error:
        reason = f"its files cannot be copied ({error.strerror or type(error).__name__})"
        raise WorldError(f"run folder {path.name}", reason, "Free some space and take it back again") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    ingest.take_in(home, job_id)
    return job_id


def _begin(session: Session, job_id: str, folder: RunFolder, config: PretrainConfig) -> None:
    """As if it had just run here: what it said is taken in as that of any run."""
    job = jobs.get(session, job_id)
    job.state, job.message, job.next_step, job.finished, job.launched_at = "running", "taken back", "", "", time.time()
    hashes = {"events_sha256": sha256_of(folder.events_path), "results_sha256": sha256_of(folder.results_path)}
    audit.append(session, "run adopted", job_id, {**hashes, "ranks": config.ranks, "device": config.device})


def _job_of(home: Home, folder: RunFolder) -> str:
    thing = f"run folder {folder.path.name}"
    try:
        told = json.loads(folder.export_path.read_text(encoding="utf-8"))
        workspace, job_id = str(told["workspace"]), str(told["job"])
    except (OSError, ValueError, KeyError, TypeError):
        reason = "it does not say which workspace it is of"
        raise UsageError(thing, reason, "Name a folder that `isoline pretrain --export` has made") from None
    if workspace != home.id:
        raise UsageError(thing, "it was exported from another workspace", "Name that workspace with -w")
    return job_id


def _check(session: Session, job_id: str, folder: RunFolder) -> PretrainConfig:
    """Whether a folder is the run of this job, and done; gives back the config that it ran with."""
    job, thing = jobs.get(session, job_id), f"run folder {folder.path.name}"
    if job.state == "done":
        raise WorldError(thing, f"it was taken back already, as {job_id}", "There is nothing to do")
    if job.state not in ("stopped", "failed", "interrupted") or job.events:
        raise WorldError(thing, f"{job_id} was run here as well", "Keep one of them; this one can be exported anew")
    config = folder.config()
    if not isinstance(config, PretrainConfig) or sha256_of(folder.manifest_path) != job.manifest_sha256:
        raise WorldError(thing, "it does not hold the recordings that were exported", "Export the run anew")
    asked, ran = PretrainConfig.model_validate(jobs.config_of(job)), config
    if other := _differences(asked, ran):
        raise WorldError(thing, f"it was run with another config than was asked: {other}", "Export it anew")
    _refuse_unfinished(folder, thing)
    return config


def _differences(asked: PretrainConfig, ran: PretrainConfig) -> str:
    theirs, ours = (one.model_dump(mode="json", exclude=set(OF_THE_MACHINE)) for one in (ran, asked))
    return ", ".join(f"{name} ({theirs[name]}, asked {ours[name]})" for name in ours if theirs[name] != ours[name])


def _refuse_unfinished(folder: RunFolder, thing: str) -> None:
    """A run is done when its last word says so, its results stand, and its weights are those they name."""
    on = "Submit its batch file again: it goes on where it was"
    try:
        events: list[Any] = read_events(folder.events_path)[0]
    except (ValidationError, ValueError):
        raise WorldError(thing, "its events are damaged", "Take an undamaged copy") from None
    last = events[-1] if events else None
    if not isinstance(last, Finished):
        raise WorldError(thing, "it has not finished" if events else "nobody has begun to work on it", on)
    if last.outcome != "done":
        raise WorldError(thing, f"it {last.outcome}: {last.message}", on)
    try:
        results = parse_results(folder.results_path.read_text(encoding="utf-8"))
        assert isinstance(results, PretrainResults)
        found = sha256_of(folder.path / results.checkpoint / WEIGHTS)
    except (OSError, ValueError, AssertionError):
        raise WorldError(thing, "its results or its weights are missing or damaged", "Take a whole copy") from None
    if found != results.weights_sha256:
        raise WorldError(thing, "its weights are not those its results name", "Take an undamaged copy")


def _copy(folder: RunFolder, draft: Path) -> None:
    """The parts of a run that its workspace lacks; labels and the parent's checkpoint stay where they are."""
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name in _TAKEN:
        source = folder.path / name
        if source.is_dir():
            shutil.copytree(source, draft / name)
        elif source.exists():
            shutil.copyfile(source, draft / name)
