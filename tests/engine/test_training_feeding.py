"""Whoever reads the crops, and however far ahead, a step gets the same bits; and whoever reads ends with the run."""

import multiprocessing
import os
import pickle
import threading

import pytest
import torch
import training_cases as cases

from engine.contract.errors import WorldError
from engine.contract.events import SilentWriter
from engine.data.store import Store
from engine.training import feeding
from engine.training.batches import ALONE, Share
from engine.training.checkpoint import newest_checkpoint
from engine.training.feeding import ProcessFeed, ThreadFeed, ahead, open_feed
from engine.training.pretrain import open_data

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("feeding") / "store"
    cases.make_store(path)
    return path


def batches(store, share=ALONE, **settings):
    config = cases.case(store, "cpc", **settings)
    return open_data(config, cases.manifest(Store.open(store)), SilentWriter(), share).training


def readers():
    return [thread for thread in threading.enumerate() if thread.name == "feed"]


@pytest.mark.parametrize("first", [0, 5])
def test_a_thread_feeds_the_batches_of_their_steps(store, first):
    training = batches(store)
    feed = open_feed(training, 0, CPU, first, 9)
    for step in range(first, 9):
        (part,) = feed.take(step)
        assert torch.equal(part.x_BCT, batches(store).whole(step).x_BCT)
        assert (part.draws.position, part.draws.crops, part.size) == (step, tuple(range(8)), 8)
    feed.close()


@pytest.mark.slow
@pytest.mark.parametrize("loaders", [1, 2])
def test_processes_feed_the_same_bits_and_end_with_the_run(store, loaders):
    feed = open_feed(batches(store), loaders, CPU, 2, 12)
    assert isinstance(feed, ProcessFeed)
    for step in range(2, 9):
        assert torch.equal(feed.take(step)[0].x_BCT, batches(store).read(step))
    feed.close()
    assert multiprocessing.active_children() == []


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kill -9 is a matter of POSIX")
def test_a_reading_process_that_is_killed_ends_the_run_by_name(store, tmp_path, monkeypatch):
    folder = cases.begin(store, tmp_path / "J0001", loaders=1, steps=200)

    def kill():
        multiprocessing.active_children()[0].kill()

    cases.before_step(monkeypatch, 5, kill)
    with pytest.raises(WorldError, match="a process that reads crops ended unexpectedly") as caught:
        cases.work(folder)
    assert caught.value.fault == "loader_lost"
    assert newest_checkpoint(folder.checkpoints).path is not None


@pytest.mark.parametrize("fault", [ConnectionResetError(), EOFError(), FileNotFoundError()])
def test_a_reading_process_that_dies_as_it_hands_a_batch_over_ends_the_run_by_name(store, tmp_path, monkeypatch, fault):
    def dying(*_, **__):
        raise fault
        yield

    monkeypatch.setattr(feeding, "DEATH_TOLD_S", 0)
    monkeypatch.setattr(feeding, "DataLoader", dying)
    with pytest.raises(WorldError, match="a process that reads crops ended unexpectedly") as caught:
        cases.work(cases.begin(store, tmp_path / "J0001", loaders=1))
    assert caught.value.fault == "loader_lost"


def test_a_store_travels_to_another_process_by_its_path(store):
    opened = Store.open(store)
    opened.signal(0)
    sent = pickle.dumps(opened)
    assert len(sent) < 500
    assert pickle.loads(sent).entry(3) == opened.entry(3)


def test_held_out_batches_are_read_ahead_in_their_order():
    made = ahead(range(50))
    assert [next(made) for _ in range(50)] == list(range(50))
    assert next(made, None) is None
    assert not readers()


def test_a_feed_that_is_closed_early_leaves_no_thread(store):
    feed = open_feed(batches(store), 0, CPU, 0, 10_000)
    feed.take(0)
    assert readers()
    feed.close()
    assert not readers()


def test_what_goes_wrong_while_reading_ahead_is_raised_where_the_batch_is_taken(store, monkeypatch):
    training = batches(store)
    honest = training.read

    def torn(step):
        if step == 2:
            raise WorldError("store", "a shard is shorter than its index says", "Import the recordings again")
        return honest(step)

    monkeypatch.setattr(training, "read", torn)
    feed = ThreadFeed(training, pinned=False, first=0, last=5)
    feed.take(0)
    feed.take(1)
    with pytest.raises(WorldError, match="a shard is shorter"):
        feed.take(2)
    feed.close()


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("world", [1, 2, 4])
def test_ranks_and_parts_divide_a_batch_without_a_crop_lost_or_twice(store, world, accumulate):
    whole = batches(store).whole(3)
    for part in range(accumulate):
        numbers, crops = [], []
        for rank in range(world):
            training = batches(store, Share(rank, world), accumulate=accumulate)
            told = training.parts(3, training.read(3))[part]
            assert told.size == 8 // accumulate
            numbers += told.draws.crops
            crops.append(told.x_BCT)
        first = part * 8 // accumulate
        assert numbers == list(range(first, first + 8 // accumulate))
        assert torch.equal(torch.cat(crops), whole.x_BCT[first : first + 8 // accumulate])


@pytest.mark.parametrize(("batch_size", "sizes"), [(8, [8, 8, 4]), (16, [20])])
@pytest.mark.parametrize("world", [1, 2, 4])
def test_ranks_divide_the_held_out_crops_and_a_small_rest_joins_the_batch_before_it(store, world, batch_size, sizes):
    """Five recordings of 2 s are 20 crops of 0.5 s."""
    told = []
    for rank in range(world):
        config = cases.case(store, "cpc", batch_size=batch_size)
        data = open_data(config, cases.manifest(Store.open(store)), SilentWriter(), Share(rank, world))
        told.append(list(data.validation))
    assert [batch.size for batch in told[0]] == sizes
    for parts in zip(*told, strict=True):
        assert [crop for part in parts for crop in part.draws.crops] == list(range(parts[0].size))
        assert sum(len(part.x_BCT) for part in parts) == parts[0].size


def test_fewer_held_out_crops_than_ranks_are_refused(store):
    config = cases.case(store, "cpc", window_s=1.5)
    rows = cases.manifest(Store.open(store))[:-3]
    with pytest.raises(WorldError, match="2 held-out crops cannot be shared by 4 ranks") as caught:
        open_data(config, rows, SilentWriter(), Share(0, 4))
    assert caught.value.fault == "too_few_records"
