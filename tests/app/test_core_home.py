import os
import stat
import sys
from pathlib import Path

import pytest
from core_cases import hurt

from app.core import home, places
from app.core.engine_command import engine_command
from app.core.places import filesystem_of
from app.workspace import Workspace
from engine.contract.errors import WorldError

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/export /home nfs4 rw 0 0
/dev/sdb1 /home/me ext4 rw 0 0
//nas/ward /mnt/my\\040share cifs rw 0 0
sshfs /home/me/remote fuse.sshfs rw 0 0
"""


def test_a_workspace_that_was_made_can_be_opened_again_with_the_same_id(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "deep" / "ward7") as made:
        assert [row.action for row in made.audit()] == ["workspace created"]
    with Workspace.open(tmp_path / "deep" / "ward7") as opened:
        assert (opened.id, opened.path) == (made.id, tmp_path / "deep" / "ward7")


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps rights in another way")
def test_the_key_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ward7"):
        mode = (tmp_path / "ward7" / "secret.key").stat().st_mode
        assert stat.S_IMODE(mode) == 0o600


def test_two_workspaces_have_different_ids_and_keys(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "a") as a, Workspace.create(tmp_path / "b") as b:
        assert a.id != b.id
        assert (tmp_path / "a" / "secret.key").read_bytes() != (tmp_path / "b" / "secret.key").read_bytes()


def test_a_folder_in_use_is_refused_and_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("x")
    with pytest.raises(WorldError, match="not empty"):
        Workspace.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]


def test_a_creation_that_fails_leaves_nothing_half_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(home, "write_whole", full)
    with pytest.raises(WorldError, match="No space left"):
        Workspace.create(tmp_path / "ward7")
    assert list((tmp_path / "ward7").iterdir()) == []
    monkeypatch.undo()
    Workspace.create(tmp_path / "ward7").close()


def test_a_file_in_the_way_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorldError, match="cannot be written"):
        Workspace.create(tmp_path / "file" / "ward7")


def test_opening_where_there_is_none_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="isoline init"):
        Workspace.open(tmp_path)


@pytest.mark.parametrize("part", ["secret.key", "isoline.db"])
def test_a_workspace_that_lost_a_part_is_told_so(tmp_path: Path, part: str) -> None:
    Workspace.create(tmp_path / "ward7").close()
    (tmp_path / "ward7" / part).unlink()
    with pytest.raises(WorldError, match="missing or damaged"):
        Workspace.open(tmp_path / "ward7")


def test_a_workspace_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ward7") as made:
        hurt(made, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(WorldError, match="newer version"):
        Workspace.open(tmp_path / "ward7")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/data", "ext4"),
        ("/home/you/w", "nfs4"),
        ("/home/me/w", "ext4"),
        ("/home/me/remote/w", "fuse.sshfs"),
        ("/home/meadow", "nfs4"),
        ("/mnt/my share/w", "cifs"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="mount points of POSIX")
def test_the_file_system_of_a_folder_is_that_of_the_deepest_mount_above_it(path: str, kind: str) -> None:
    assert filesystem_of(Path(path), MOUNTS) == kind


def test_a_network_drive_is_refused_with_a_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Workspace.create(tmp_path / "ward7").close()
    monkeypatch.setattr(places, "_on_network", lambda _: True)
    with pytest.raises(WorldError, match="network drive"):
        Workspace.create(tmp_path / "other")
    with pytest.raises(WorldError, match="local disk"):
        Workspace.open(tmp_path / "ward7")
    assert not (tmp_path / "other").exists()


def test_the_engine_is_found_wherever_the_program_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ISOLINE_ENGINE", raising=False)
    assert engine_command() == [sys.executable, "-m", "engine"]
    monkeypatch.setenv("ISOLINE_ENGINE", "/opt/gpu/bin/python -m engine")
    assert engine_command() == ["/opt/gpu/bin/python", "-m", "engine"]
    monkeypatch.delenv("ISOLINE_ENGINE")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert engine_command() == [
        str(Path(sys.executable).with_name("isoline-engine.exe" if os.name == "nt" else "isoline-engine"))
    ]


def test_a_folder_without_a_workspace_names_both_ways_on(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="there is none in this folder") as told:
        Workspace.open(tmp_path)
    assert "Open the folder that has one" in told.value.next_step
    assert "isoline init DIR" in told.value.next_step
