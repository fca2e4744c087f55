"""The batch file that runs a run folder on a Slurm cluster. Torch-free."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from engine.contract.config import PretrainConfig
from engine.contract.errors import UsageError

_TIME = re.compile(r"(\d+-)?\d+(:\d+){0,2}")
_PARTITION = re.compile(r"[\w.+,-]+")

_TEMPLATE = """#!/bin/bash
#SBATCH --job-name=isoline-{name}
#SBATCH --nodes={nodes}
#SBATCH --ntasks-per-node={gpus}
#SBATCH --gpus-per-node={gpus}
#SBATCH --cpus-per-task={cores}
#SBATCH --time={time}
{partition}#SBATCH --signal=TERM@300
#SBATCH --output={log}
# Five minutes before the time is up every rank is told to stop: the run keeps a checkpoint and ends as stopped.
# Submit this file again and it goes on from there.
export MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export MASTER_PORT=$((20000 + SLURM_JOB_ID % 20000))
exec srun --kill-on-bad-exit=1 {command}
"""


def batch_file(folder: Path, config: PretrainConfig, nodes: int, gpus: int, time: str, partition: str = "") -> str:
    """A batch file with one rank a GPU.

    Args:
        folder: the run folder, on a disk that all machines share.
        config: the run's config; its `ranks` must be nodes times gpus.
        nodes: machines.
        gpus: GPUs of each.
        time: as Slurm reads it: "24:00:00", "2-00:00:00".
        partition: where it queues; empty takes the cluster's own choice.

    Raises:
        UsageError: the run's ranks are not as many as the GPUs, or Slurm could not read what is asked.
    """
    _check(nodes, gpus, time, partition)
    if config.ranks != nodes * gpus:
        raise UsageError(
            "slurm",
            f"{nodes} x {gpus} GPUs make {nodes * gpus} ranks, the run's config has {config.ranks}",
            f"Set ranks = {nodes * gpus} in the run's config, or ask for {config.ranks} GPUs",
        )
    return _TEMPLATE.format(
        name=folder.name,
        nodes=nodes,
        gpus=gpus,
        cores=2 + config.loaders,
        time=time,
        partition=f"#SBATCH --partition={partition}\n" if partition else "",
        log=shlex.quote(str(folder.resolve() / "slurm-%j.log")),
        command=shlex.join([*engine_command(), "pretrain", str(folder.resolve())]),
    )


def _check(nodes: int, gpus: int, time: str, partition: str) -> None:
    if min(nodes, gpus) < 1:
        raise UsageError("slurm", f"{nodes} x {gpus} is no number of GPUs", "Ask for one machine and one GPU or more")
    if not _TIME.fullmatch(time):
        raise UsageError("slurm", f"'{time}' is no time limit", "Write 90 (minutes), 24:00:00 or 2-00:00:00")
    if partition and not _PARTITION.fullmatch(partition):
        raise UsageError("slurm", f"'{partition}' is no name of a partition", "Name one that `sinfo` lists")


def engine_command() -> list[str]:
    """How this very engine is started again: a frozen program is its own interpreter."""
    return [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "engine"]
