"""Records are found by id at once in a store of any size, with and without the keys that were kept."""

import numpy as np
import pytest

from engine.data import keys
from engine.data.keys import KeyIndex, key_of, keys_of_ids
from engine.data.layout import ROW, row_crc
from engine.data.store import Store


def rows_of(count, seed=0):
    """Index rows with random hashes."""
    rows = np.zeros(count, dtype=ROW)
    hashes = np.random.default_rng(seed).integers(0, 256, (count, 32), dtype=np.uint8)
    rows["signal_sha256"] = hashes.view("V32")[:, 0]
    for row in rows[-1:]:
        row["row_crc"] = row_crc(row)
    return rows


def ids_of(rows):
    return ["r" + row["signal_sha256"].tobytes()[:6].hex() for row in rows]


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "WORTH_KEEPING", 10)
    return tmp_path


def found(index, ids):
    return index.find_many(keys_of_ids(ids)[0]).tolist()


@pytest.mark.parametrize("parts", [[1000], [1, 999], [500, 500], [10] * 100, [900, 1, 1, 98]])
def test_every_row_is_found_however_the_rows_came(tmp_path, parts):
    rows = rows_of(1000)
    index = KeyIndex(tmp_path)
    ends = np.cumsum(parts)
    for end in ends:
        index.catch_up(rows[:end])
    assert found(index, ids_of(rows)) == list(range(1000))
    assert [index.find(key_of(record_id)) for record_id in ids_of(rows)[::50]] == list(range(0, 1000, 50))
    assert found(index, ids_of(rows_of(20, seed=1))) == [-1] * 20
    assert index.find(7) is None


def test_an_empty_store_finds_nothing(tmp_path):
    index = KeyIndex(tmp_path)
    index.catch_up(rows_of(0))
    assert index.find(1) is None
    assert found(index, ["r000000000001"]) == [-1]
    assert found(index, []) == []


def test_what_is_no_id_is_nowhere_and_does_not_disturb_the_others(tmp_path):
    from test_data_store import fill, recording

    fill(tmp_path / "store", 3)
    store = Store.open(tmp_path / "store")
    good = recording(2).record_id
    odd = [
        "",
        "r",
        good.upper(),
        good[:-1],
        good + "0",
        "x" + good[1:],
        "r" + "g" * 12,
        "rä" + "0" * 11,
        good[:-1] + "\n",
    ]
    assert store.find_many([good, *odd, good]).tolist() == [2] + [-1] * len(odd) + [2]
    assert [store.find(record_id) for record_id in odd] == [None] * len(odd)
    assert store.find_many([]).tolist() == []
    assert store.find_many(["r" + "g" * 12, good]).tolist() == [-1, 2]


def test_keys_that_were_kept_are_taken_and_not_sorted_again(kept, monkeypatch):
    rows = rows_of(500)
    first = KeyIndex(kept)
    first.catch_up(rows)
    first.keep(rows)
    assert (kept / "keys.bin").stat().st_size == keys.HEAD.size + 12 * 500
    assert [path.name for path in kept.iterdir()] == ["keys.bin"]
    monkeypatch.setattr(keys, "_sorted", None)
    again = KeyIndex(kept)
    again.catch_up(rows)
    assert found(again, ids_of(rows)) == list(range(500))


def test_rows_that_came_after_the_keys_were_kept_are_found_too(kept):
    rows = rows_of(600)
    for row in (rows[399], rows[599]):
        row["row_crc"] = row_crc(row)
    first = KeyIndex(kept)
    first.catch_up(rows[:400])
    first.keep(rows[:400])
    again = KeyIndex(kept)
    again.catch_up(rows)
    assert found(again, ids_of(rows)) == list(range(600))
    again.keep(rows)
    assert (kept / "keys.bin").stat().st_size == keys.HEAD.size + 12 * 600


@pytest.mark.parametrize("harm", ["torn", "flipped", "empty", "of another index", "text"])
def test_kept_keys_that_are_damaged_or_foreign_are_made_anew(kept, harm):
    rows, other = rows_of(300), rows_of(300, seed=5)
    source = other if harm == "of another index" else rows
    first = KeyIndex(kept)
    first.catch_up(source)
    first.keep(source)
    content = bytearray((kept / "keys.bin").read_bytes())
    content[keys.HEAD.size + 77] ^= harm == "flipped"
    told = {"torn": content[:-5], "empty": b"", "text": b"no keys at all"}.get(harm, content)
    (kept / "keys.bin").write_bytes(told)
    again = KeyIndex(kept)
    again.catch_up(rows)
    assert found(again, ids_of(rows)) == list(range(300))


def test_a_store_that_cannot_be_written_to_is_as_good_without_kept_keys(kept, monkeypatch):
    rows = rows_of(100)
    index = KeyIndex(kept / "gone")
    index.catch_up(rows)
    index.keep(rows)
    assert found(index, ids_of(rows)) == list(range(100))
    assert list(kept.iterdir()) == []
