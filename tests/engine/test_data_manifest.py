"""A manifest as columns says what its rows say, whatever they hold, in a fraction of their memory."""

import csv
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.contract.errors import WorldError
from engine.contract.run import ManifestRow, RunFolder
from engine.data.keys import keys_of_ids
from engine.data.manifest import Manifest
from engine.data.splits import split_digest

words = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters='",'), min_size=1, max_size=20)
rows = st.lists(st.builds(ManifestRow, words, words, st.sampled_from(["train", "validation", "test", "fold-0"])))


def ids(count):
    return [f"r{n * 7919 % 2**48:012x}" for n in range(count)]


@settings(deadline=None, max_examples=60)
@given(rows)
def test_columns_give_back_the_rows_and_the_digest_that_they_were_made_of(made):
    manifest = Manifest.of(made)
    assert list(manifest) == made
    assert manifest.digest() == split_digest([row.record_id for row in made], [row.split for row in made])
    assert list(manifest.part("train", "test")) == [row for row in made if row.split in ("train", "test")]
    assert manifest.count_patients() == len({row.patient for row in made})
    assert [manifest[n] for n in range(len(made))] == made
    assert list(manifest[1:]) == made[1:]
    assert list(manifest[1:].followed_by(manifest[:1])) == [*made[1:], *made[:1]]


@settings(deadline=None, max_examples=40)
@given(made=rows)
def test_a_file_is_read_as_the_run_folder_reads_it(tmp_path_factory, made):
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    folder._write_manifest(made)
    assert list(Manifest.read(folder.manifest_path)) == folder.manifest() == made


@pytest.mark.parametrize("patient", ['says "no"', "a,b", "two\nlines"])
def test_a_table_with_quotes_is_read_all_the_same(tmp_path, patient):
    made = [ManifestRow("a", "p1", "train"), ManifestRow("b", patient, "test")]
    folder = RunFolder(tmp_path)
    folder._write_manifest(made)
    assert list(Manifest.read(folder.manifest_path)) == made


@pytest.mark.parametrize(
    "text", ["", "id,patient\na,b\n", "record_id,patient,split\na,b\n", "record_id,patient,split\na,b,c,d\n"]
)
def test_a_table_that_is_no_manifest_is_refused_in_words(tmp_path, text):
    path = tmp_path / "zzname.csv"
    path.write_text(text)
    with pytest.raises(WorldError, match="manifest of the run: it cannot be read") as told:
        Manifest.read(path)
    assert "zzname" not in str(told.value)


def test_a_manifest_that_is_not_there_is_refused_in_words(tmp_path):
    with pytest.raises(WorldError, match="FileNotFoundError"):
        Manifest.read(tmp_path / "manifest.csv")


def test_keys_of_columns_are_those_of_texts():
    named = [*ids(5), "r0123456789AB"]
    texts, good = keys_of_ids(named)
    columns, fine = keys_of_ids(np.array(named, dtype=np.bytes_))
    np.testing.assert_array_equal(texts, columns)
    assert good.all()
    assert fine.all()
    for odd in (["rzz", *ids(2)], ["r0123456789abc", *ids(2)], ["x0123456789ab", *ids(2)], [""]):
        np.testing.assert_array_equal(keys_of_ids(odd)[1], keys_of_ids(np.array(odd, dtype=np.bytes_))[1])


def test_a_hundred_thousand_rows_take_less_than_six_megabytes(tmp_path):
    path = tmp_path / "manifest.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["record_id", "patient", "split"])
        writer.writerows([name, f"p{n // 6:016x}", "train"] for n, name in enumerate(ids(100_000)))
    tracemalloc.start()
    manifest = Manifest.read(path)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(manifest) == 100_000
    assert held < 6e6
