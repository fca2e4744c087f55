"""Several processes that share every batch: they find each other, agree at each step, and none outlives the others.

One command starts a run on all GPUs of a machine: the first process holds lock, events and checkpoints as rank 0 and
starts the other ranks itself. Where torchrun or srun have started them already, each finds its place in the
environment. Gradients and sums travel over torch's own engine (NCCL between GPUs, gloo otherwise). Words from rank 0
(go on, tell, stop) travel over gloo from host to host, so that no GPU is waited for.

A rank that dies closes its connections, which the others notice at their next exchange; a GPU exchange can hang in that
case, so rank 0 also watches the processes that it started and ends the run when one is gone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist

from engine.contract.config import PretrainConfig
from engine.contract.errors import EXIT_WORLD, WorldError
from engine.contract.events import EventWriter, Finished
from engine.contract.run import RunFolder
from engine.training.batches import Share
from engine.training.children import Children
from engine.training.device import pick_device
from engine.training.faults import is_rank_lost, rank_lost
from engine.training.placement import LEASH, Placement, placed

GATHERING = timedelta(minutes=5)
"""How long ranks wait for each other at the start."""

EXCHANGE = timedelta(minutes=15)
"""How long a rank waits in an exchange within a step before it counts the others as lost."""

PATIENCE = timedelta(days=1)
"""How long ranks wait for a word from rank 0, which may be busy with a probe or a slow disk."""

GRACE_S = 20.0
"""How long rank 0 may take to notice by itself that a rank which it started is gone."""

LAST_WORD_S = 60.0
"""How long a rank that no longer takes part may take to say why."""

GO, TELL, STOP = 0, 1, 2
"""Words from rank 0: one more step; one more, and read how it went; stop here."""

ALONE = Placement()

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store, TCPStore

KEPT = "The newest checkpoint is kept"


class Ranks:
    """The processes of a run as one of them sees them; with one process everything here costs nothing."""

    def __init__(self, device: torch.device, place: Placement = ALONE) -> None:
        self.device, self.share, self.local_world = device, Share(place.rank, place.world), place.local_world
        self._words = dist.new_group(backend="gloo", timeout=PATIENCE) if place.world > 1 else None

    @property
    def first(self) -> bool:
        """Whether this is the rank that speaks and writes."""
        return self.share.rank == 0

    def agree(self, word: int) -> int:
        """Rank 0's word, on every rank; also how the others wait for it."""
        if self._words is None:
            return word
        told = torch.tensor([word])
        dist.broadcast(told, src=0, group=self._words)
        return int(told)

    def part(self) -> None:
        """Leave the others; from here on this process computes alone."""
        if self._words is not None and dist.is_initialized():
            dist.destroy_process_group()


@contextmanager
def joined(folder: RunFolder, config: PretrainConfig, events: EventWriter) -> Iterator[Ranks]:
    """The ranks of a run, all present; afterwards all are gone.

    Raises:
        WorldError: a device is missing, not all ranks came, or one was lost on the way.
    """
    if config.ranks == 1:
        yield Ranks(pick_device(config.device))
        return
    _hold_leash()
    place = placed(config.ranks)
    started = place is None
    place = place or Placement(world=config.ranks, local_world=config.ranks)
    device = pick_device(config.device, place.local_rank, place.local_world)
    store = _store(place, alone=started)
    with _loopback() if started else nullcontext():
        children = Children(folder, place, store.port) if started else None
        crew = _Crew(place, store, children, lambda error: _give_up(folder, events, error))
        try:
            with _explaining(crew):
                crew.gather(device)
                yield Ranks(device, place)
        finally:
            crew.leave()


class _Crew:
    """Coming together, noticing who is lost, and parting."""

    def __init__(
        self, place: Placement, store: Store, children: Children | None, give_up: Callable[[WorldError], None]
    ) -> None:
        self.place, self._store, self._children, self._give_up = place, store, children, give_up
        self._over = threading.Event()
        if children:
            threading.Thread(target=self._watch, name="ranks", daemon=True).start()

    def gather(self, device: torch.device) -> None:
        """Wait until every rank has come, then open the connections between them."""
        if device.type == "cuda":
            torch.cuda.set_device(device)
        self._store.set(f"here/{self.place.rank}", "")
        keys = [f"here/{rank}" for rank in range(self.place.world)]
        limit = time.monotonic() + GATHERING.total_seconds()
        while not self._store.check(keys):
            if (self._children and self._children.lost()) or time.monotonic() > limit:
                raise rank_lost(self._missing(keys), self.place.world, KEPT)
            time.sleep(0.02)
        backend = "nccl" if device.type == "cuda" and dist.is_nccl_available() else "gloo"
        dist.init_process_group(
            backend, store=self._store, rank=self.place.rank, world_size=self.place.world, timeout=EXCHANGE
        )

    def tell(self, error: WorldError) -> None:
        """Let rank 0 know why this rank ends."""
        with suppress(RuntimeError):
            self._store.set(f"fault/{self.place.rank}", json.dumps(error.args))

    def reason(self) -> WorldError:
        """Why a rank was lost: what it said itself, or that it said nothing. It may still look for what would fit."""
        limit = time.monotonic() + LAST_WORD_S
        gone = None
        while gone is None and time.monotonic() < limit:
            gone = self._children.lost() if self._children else None  # asked first: it has said all that it will say
            for rank in range(1, self.place.world):
                with suppress(RuntimeError):
                    if self._store.check([f"fault/{rank}"]):
                        return _told(rank, json.loads(self._store.get(f"fault/{rank}")))
            time.sleep(0.1)
        return rank_lost(gone, self.place.world, KEPT)

    def leave(self) -> None:
        """Part: connections are closed, ranks that were started here are gone."""
        self._over.set()
        if dist.is_initialized():
            with suppress(RuntimeError):
                dist.destroy_process_group()
        if self._children:
            self._children.end()

    def _missing(self, keys: list[str]) -> int | None:
        absent = [rank for rank, key in enumerate(keys) if not self._store.check([key])]
        return absent[0] if absent else None

    def _watch(self) -> None:
        assert self._children is not None
        while not self._over.wait(0.25):
            if self._children.lost() and not self._over.wait(GRACE_S):
                self._children.end(0)
                self._give_up(self.reason())


def _told(rank: int, fault: list[str]) -> WorldError:
    thing, reason, next_step, name = fault
    return WorldError(f"{thing} (rank {rank})", reason, next_step, name)


@contextmanager
def _explaining(crew: _Crew) -> Iterator[None]:
    """An exchange that broke off is told by its reason; a rank's own fault is told to rank 0."""
    try:
        yield
    except WorldError as error:
        crew.tell(error)
        raise
    except RuntimeError as error:
        if not is_rank_lost(error):
            raise
        raise crew.reason() from None


def _store(place: Placement, alone: bool) -> TCPStore:
    """Where the ranks find each other; on one machine it listens to that machine only."""
    if alone:
        return _open_store("127.0.0.1", 0, place.world, master=True)
    agent = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    master = place.rank == 0 and not agent and LEASH not in os.environ
    try:
        return _open_store(place.address, place.port, place.world, master)
    except RuntimeError:
        raise WorldError(
            "ranks", "rank 0 cannot be reached", "Check MASTER_ADDR and MASTER_PORT, then resume", fault="rank_lost"
        ) from None


def _open_store(address: str, port: int, world: int, master: bool) -> TCPStore:
    from torch._C._distributed_c10d import TCPStore

    return TCPStore(address, port, world, is_master=master, timeout=GATHERING, wait_for_workers=False)


@contextmanager
def _loopback() -> Iterator[None]:
    """Ranks on one machine speak over its loopback interface: no firewall, no host name to be resolved."""
    name = {"linux": "lo", "darwin": "lo0"}.get(sys.platform)
    ours = name is not None and os.environ.setdefault("GLOO_SOCKET_IFNAME", name) == name
    try:
        yield
    finally:
        if ours:
            os.environ.pop("GLOO_SOCKET_IFNAME", None)


def _hold_leash() -> None:
    """End when the process that started this rank does: its end of our standard input is closed by the system."""
    if LEASH not in os.environ:
        return

    def wait() -> None:
        os.read(0, 1)  # not sys.stdin: a thread that waits in it makes the interpreter's own end fail
        os._exit(EXIT_WORLD)

    threading.Thread(target=wait, name="leash", daemon=True).start()


def _give_up(folder: RunFolder, events: EventWriter, error: WorldError) -> None:
    """End this process from beside its main thread, which hangs in an exchange with a rank that is gone."""
    with suppress(OSError):
        folder.labels_path.unlink(missing_ok=True)
    events.emit(
        Finished(
            outcome="failed", message=f"{error.thing}: {error.reason}", next_step=error.next_step, fault=error.fault
        )
    )
    events.sync()
    os._exit(EXIT_WORLD)
