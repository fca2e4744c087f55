"""Being registered is a promise: every corpus is read from its layout (synthetic here), every task gives targets."""

import numpy as np
import pytest
from corpus_layouts import BUILDERS, told

from engine.contract.errors import UsageError, WorldError
from engine.datasets.registry import DATASETS, TASKS, dataset, task, tasks_of
from engine.datasets.tasks import known_labels, targets


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """Per corpus: its folder and how many entries it must give."""
    made = {}
    for name, build in BUILDERS.items():
        folder = tmp_path_factory.mktemp(name)
        made[name] = folder, build(folder)
    return made


def test_the_thirteen_corpora_and_26_tasks_of_the_study_are_there():
    assert set(DATASETS) == set(BUILDERS)
    assert len(DATASETS) == 13
    assert len(TASKS) == 26


def test_known_counts_of_outputs_sum_to_what_the_study_counts():
    # Method specification, section 5.1: known counts sum to 1,607; diag, form and rhythm of PTB-XL are parts of "all".
    known = sum(t.outputs for t in TASKS.values() if t.outputs)
    assert known + 1076 == 1607


@pytest.mark.parametrize("name", DATASETS)
def test_every_entry_names_a_file_that_is_there_and_none_twice(corpora, name):
    folder, expected = corpora[name]
    entries = list(dataset(name).read(folder))
    assert len(entries) == expected
    assert all((folder / entry.source.split("::")[0]).is_file() for entry in entries)
    assert len({entry.source for entry in entries}) == len({entry.record for entry in entries}) == expected


@pytest.mark.parametrize("name", DATASETS)
def test_reading_twice_gives_the_same_entries_in_the_same_order(corpora, name):
    folder, _ = corpora[name]
    first, second = ([told(entry) for entry in dataset(name).read(folder)] for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", DATASETS)
def test_an_empty_folder_is_refused_with_a_next_step(tmp_path, name):
    with pytest.raises(WorldError) as caught:
        list(dataset(name).read(tmp_path))
    assert caught.value.next_step
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_gives_targets_of_its_kind(corpora, name):
    chosen = task(name)
    folder, _ = corpora[chosen.dataset]
    entries = list(dataset(chosen.dataset).read(folder))
    made = targets(chosen, entries)
    assert made.y_NL.shape == (len(entries), len(made.labels))
    known = made.y_NL[~np.isnan(made.y_NL)]
    if chosen.kind != "regression":
        assert set(known) <= {0.0, 1.0}
    if chosen.targets:
        assert len(made.labels) == len(chosen.targets) == chosen.outputs


@pytest.mark.parametrize("name", DATASETS)
def test_every_corpus_says_how_to_get_and_cite_it(name):
    chosen = dataset(name)
    assert chosen.licence
    assert chosen.citation
    assert chosen.access.startswith(("open: ", "on request: ", "ECGs open"))
    assert chosen.verified in ("real data", "layout only")
    assert bool(tasks_of(name)) == (chosen.purpose == "evaluation")


def test_an_unknown_corpus_or_task_names_the_known_ones():
    with pytest.raises(UsageError, match="Known: ptbxl"):
        dataset("ptb")
    with pytest.raises(UsageError, match="Known: ptbxl-all"):
        task("ptb")


@pytest.mark.parametrize("name", DATASETS)
def test_known_labels_are_the_targets_without_what_is_not_known(corpora, name):
    folder, _ = corpora[name]
    entries, tasks = list(dataset(name).read(folder)), tasks_of(name)
    expected = [{} for _ in entries]
    for one in tasks:
        made = targets(one, entries)
        for row, y_L in zip(expected, made.y_NL, strict=True):
            row.update({label: y for label, y in zip(made.labels, y_L, strict=True) if not np.isnan(y)})
    known = known_labels(tasks, entries)
    assert [dict(row) for row in known] == expected
    assert [len(row) for row in known] == [len(row) for row in expected]
