"""All datasets and tasks by name. Being here is a promise that one battery of tests keeps."""

from __future__ import annotations

from engine.contract.errors import UsageError
from engine.datasets import chapman, cinc, code15, echonext, heedb, mimic, ptbxl, sph, zzu
from engine.datasets.dataset import Dataset
from engine.datasets.tasks import Task

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for module in (ptbxl, cinc, chapman, sph, zzu, echonext, mimic, code15, heedb)
    for dataset in module.DATASETS
}
TASKS: dict[str, Task] = {
    task.name: task for module in (ptbxl, cinc, chapman, sph, zzu, echonext, mimic) for task in module.TASKS
}


def dataset(name: str) -> Dataset:
    """The dataset of this name. Raises UsageError when there is none."""
    if name not in DATASETS:
        raise UsageError(f"dataset {name}", "there is none of this name", f"Known: {', '.join(DATASETS)}")
    return DATASETS[name]


def task(name: str) -> Task:
    """The task of this name. Raises UsageError when there is none."""
    if name not in TASKS:
        raise UsageError(f"task {name}", "there is none of this name", f"Known: {', '.join(TASKS)}")
    return TASKS[name]


def tasks_of(name: str) -> list[Task]:
    """Tasks on a dataset."""
    return [each for each in TASKS.values() if each.dataset == name]
