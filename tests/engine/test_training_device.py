"""Devices are told as they are, and a wish that cannot be granted is refused."""

import pytest
import torch

from engine.contract.errors import WorldError
from engine.training import device
from engine.training.device import describe_devices, pick_device, set_threads


@pytest.fixture
def threads_restored():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_the_cpu_is_always_listed_first():
    first = describe_devices()[0]
    assert first["name"] == "cpu"
    assert "cores" in first["description"]


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto") == torch.device("cpu")
    assert pick_device("cpu") == torch.device("cpu")
    with pytest.raises(WorldError, match="torch sees no GPU"):
        pick_device("cuda")


def test_a_gpu_that_is_there_is_taken_unless_the_cpu_is_asked_for(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto") == pick_device("cuda") == torch.device("cuda")
    assert pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(("cores", "wish", "threads"), [(8, 0, 7), (1, 0, 1), (2, 0, 1), (8, 3, 3)])
def test_one_core_is_left_for_the_window_unless_threads_are_asked_for(
    monkeypatch, threads_restored, cores, wish, threads
):
    monkeypatch.setattr(device, "usable_cores", lambda: cores)
    assert set_threads(wish) == threads == torch.get_num_threads()
