"""Which of a run's ranks this process is, as the environment tells: torchrun's names, or Slurm's. Torch-free."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from engine.contract.errors import WorldError

LEASH = "ISOLINE_LEASH"
"""Set for a rank that its parent started: its standard input ends when the parent does, and so does the rank."""


@dataclass(frozen=True)
class Placement:
    """Place of a process among the ranks of a run.

    Attributes:
        rank: its number; 0 holds lock, events and checkpoints.
        world: how many there are.
        local_rank: its number on this machine.
        local_world: how many there are on this machine.
        address: host name of rank 0.
        port: where rank 0 listens.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local_world: int = 1
    address: str = "127.0.0.1"
    port: int = 0

    def environment(self) -> dict[str, str]:
        """What a process is told that is to take this place, in torchrun's words."""
        return {
            "RANK": str(self.rank),
            "WORLD_SIZE": str(self.world),
            "LOCAL_RANK": str(self.local_rank),
            "LOCAL_WORLD_SIZE": str(self.local_world),
            "MASTER_ADDR": self.address,
            "MASTER_PORT": str(self.port),
        }


def placed(ranks: int, environ: Mapping[str, str] = os.environ) -> Placement | None:
    """The place that a launcher gave this process; None when no launcher did.

    Args:
        ranks: how many the run's config asks for; with one there is nothing to launch.
        environ: the environment.

    Raises:
        WorldError: the launcher started another number of processes than the config asks for.
    """
    if ranks == 1:
        return None
    place = _torchrun(environ) or _slurm(environ)
    if place and place.world != ranks:
        raise WorldError(
            "ranks",
            f"{place.world} processes were started for a run of {ranks} ranks",
            f"Start {ranks} processes, or set ranks = {place.world}",
        )
    return place


def _torchrun(environ: Mapping[str, str]) -> Placement | None:
    if "RANK" not in environ or "WORLD_SIZE" not in environ:
        return None
    return Placement(
        rank=int(environ["RANK"]),
        world=int(environ["WORLD_SIZE"]),
        local_rank=int(environ.get("LOCAL_RANK", environ["RANK"])),
        local_world=int(environ.get("LOCAL_WORLD_SIZE", environ["WORLD_SIZE"])),
        address=environ.get("MASTER_ADDR", "127.0.0.1"),
        port=int(environ.get("MASTER_PORT", "29500")),
    )


def _slurm(environ: Mapping[str, str]) -> Placement | None:
    """What srun tells each task; the batch file of `isoline-engine slurm` adds the address of the first machine."""
    world = int(environ.get("SLURM_STEP_NUM_TASKS", environ.get("SLURM_NTASKS", "1")))
    if "SLURM_PROCID" not in environ or world == 1:
        return None
    machines = int(environ.get("SLURM_STEP_NUM_NODES", environ.get("SLURM_NNODES", "1")))
    return Placement(
        rank=int(environ["SLURM_PROCID"]),
        world=world,
        local_rank=int(environ.get("SLURM_LOCALID", environ["SLURM_PROCID"])),
        local_world=-(-world // machines),
        address=environ.get("MASTER_ADDR", environ.get("SLURM_LAUNCH_NODE_IPADDR", "127.0.0.1")),
        port=int(environ.get("MASTER_PORT", str(20_000 + int(environ.get("SLURM_JOB_ID", "0")) % 20_000))),
    )
