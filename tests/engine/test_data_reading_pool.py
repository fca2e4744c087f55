"""Files are read by other processes: order holds, and what goes wrong with a file costs this file only."""

import os
import time
from functools import partial

import pytest
import reading_cases

from engine.contract.errors import WorldError
from engine.data.reading_pool import ReadingPool, cpu_seconds, pool_size
from engine.signal.readers import find_files


@pytest.fixture
def files(samples):
    return [(index, str(path)) for index, path in enumerate(find_files([samples])[:8])]


def read_all(read, files, count=2, seconds=2.0):
    with ReadingPool(read, count, seconds) as pool:
        return list(pool.outcomes(files))


def reasons(outcomes):
    return {outcome.index: outcome.reason for outcome in outcomes if outcome.recording is None}


def test_outcomes_come_in_the_order_of_the_files_whoever_is_faster(files):
    outcomes = read_all(reading_cases.uneven, files)
    assert [outcome.index for outcome in outcomes] == list(range(8))
    assert all(outcome.recording is not None for outcome in outcomes)


def test_a_reader_that_crashes_costs_its_own_files(files):
    outcomes = read_all(reading_cases.crashing, files)
    assert [outcome.index for outcome in outcomes] == list(range(8))
    assert reasons(outcomes) == {1: "its reader crashed", 4: "its reader crashed"}


def test_a_reader_that_hangs_costs_its_own_file_and_its_time(files):
    began = time.monotonic()
    outcomes = read_all(reading_cases.busy_loop, files, seconds=0.5)
    assert [outcome.index for outcome in outcomes] == list(range(8))
    assert list(reasons(outcomes)) == [1]
    assert reasons(outcomes)[1].startswith("reading it took more than")
    assert time.monotonic() - began < 30


def test_a_reader_that_sleeps_is_given_up_too(files):
    assert list(reasons(read_all(reading_cases.sleeping, files[:3], seconds=0.2))) == [1]


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="this system has no limit on memory")
def test_a_reader_that_eats_memory_costs_its_own_file(files):
    assert reasons(read_all(reading_cases.eating, files, count=1)) == {
        1: "reading it takes more memory than a file may"
    }


def test_what_a_reader_prints_reaches_no_console(files, capfd):
    read_all(reading_cases.printing, files[:2], count=1)
    told = capfd.readouterr()
    assert "Meier" not in told.out + told.err


def test_processes_that_end_at_their_start_are_told_and_not_tried_for_ever(files):
    with pytest.raises(WorldError, match="end at their start"), ReadingPool(reading_cases.Unloadable(), 1) as pool:
        list(pool.outcomes(files))


def test_the_processes_end_with_the_pool(files):
    with ReadingPool(reading_cases.uneven, 2) as pool:
        processes = [worker.process for worker in pool._workers]
        next(iter(pool.outcomes(files)))
    assert not any(process.is_alive() for process in processes)


@pytest.mark.parametrize(("asked", "files", "processes"), [(0, 1, 1), (3, 1, 1), (3, 1000, 3), (1, 1000, 1)])
def test_few_files_do_not_start_many_processes(asked, files, processes):
    assert pool_size(asked, files) == processes


def test_the_time_at_work_of_a_process_is_known_where_the_system_tells_it():
    told = partial(cpu_seconds, os.getpid())
    assert told() is None or told() > 0
    assert cpu_seconds(2**30) is None
