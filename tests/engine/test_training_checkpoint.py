"""A checkpoint stands whole or not at all, and damage is seen before a weight is used."""

import errno
import json

import pytest

from engine.contract.errors import WorldError
from engine.training import checkpoint
from engine.training.checkpoint import is_whole, newest_checkpoint, write_checkpoint


def write(folder, step, keep=5, content=b"weights"):
    return write_checkpoint(folder, step, {"weights.safetensors": content, "trainer.pt": b"state"}, keep)


def test_the_newest_whole_checkpoint_is_found(tmp_path):
    for step in (900, 1000, 1_000_000, 100):
        write(tmp_path, step)
    found = newest_checkpoint(tmp_path)
    assert found.path.name == "step-1000000"
    assert found.damaged == []


def test_a_run_without_checkpoints_has_none(tmp_path):
    assert newest_checkpoint(tmp_path / "checkpoints").path is None


def test_only_the_newest_are_kept(tmp_path):
    for step in range(1, 6):
        write(tmp_path, step, keep=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-000004", "step-000005"]


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def flip(path):
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [cut, flip, lambda path: path.unlink()])
@pytest.mark.parametrize("file", ["weights.safetensors", "trainer.pt", "checksums.json"])
def test_damage_to_any_file_is_seen_and_passed_over(tmp_path, damage, file):
    write(tmp_path, 1)
    damage(write(tmp_path, 2) / file)
    found = newest_checkpoint(tmp_path)
    assert found.path.name == "step-000001"
    assert found.damaged == ["step-000002"]


def test_checksums_that_are_no_object_are_damage(tmp_path):
    path = write(tmp_path, 1)
    for text in ("[]", "{}", "3", '{"weights.safetensors": 3}'):
        (path / "checksums.json").write_text(text)
        assert not is_whole(path)


def test_leftovers_of_a_cut_write_are_removed(tmp_path):
    write(tmp_path, 1)
    (tmp_path / "step-000002.tmp").mkdir()
    (tmp_path / "step-000002.tmp" / "weights.safetensors").write_bytes(b"half")
    assert newest_checkpoint(tmp_path).path.name == "step-000001"
    assert not (tmp_path / "step-000002.tmp").exists()


def test_a_damaged_checkpoint_is_replaced_when_its_step_comes_again(tmp_path):
    write(tmp_path, 1)
    cut(write(tmp_path, 2) / "trainer.pt")
    write(tmp_path, 2, content=b"again")
    found = newest_checkpoint(tmp_path)
    assert (found.path / "weights.safetensors").read_bytes() == b"again"
    assert found.damaged == []


@pytest.mark.parametrize(("code", "told"), [(errno.ENOSPC, "disk: it is full"), (errno.EIO, "disk: step-000002 could")])
@pytest.mark.parametrize("file", ["weights.safetensors", "trainer.pt", "checksums.json"])
def test_a_full_disk_leaves_the_checkpoint_before_as_it_was(tmp_path, monkeypatch, file, code, told):
    before = write(tmp_path, 1, keep=1)
    content = {p.name: p.read_bytes() for p in before.iterdir()}
    honest = checkpoint._write_synced

    def full(path, data):
        if path.name == file:
            honest(path, data[: len(data) // 2])
            raise OSError(code, "No")
        honest(path, data)

    monkeypatch.setattr(checkpoint, "_write_synced", full)
    with pytest.raises(WorldError, match=told) as caught:
        write(tmp_path, 2, keep=1)
    assert "resume" in caught.value.next_step
    assert [p.name for p in tmp_path.iterdir()] == ["step-000001"]
    assert {p.name: p.read_bytes() for p in before.iterdir()} == content
    assert newest_checkpoint(tmp_path).path == before


def test_every_file_is_listed_with_its_hash(tmp_path):
    path = write(tmp_path, 7)
    sums = json.loads((path / "checksums.json").read_text())
    assert set(sums) == {"weights.safetensors", "trainer.pt"}
    assert sums["weights.safetensors"] == checkpoint.sha256(path / "weights.safetensors")
