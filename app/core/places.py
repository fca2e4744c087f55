"""Where a workspace may stand: SQLite's locks and its write-ahead log do not work on network drives."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from engine.contract.errors import WorldError

_KINDS = "afs beegfs ceph cifs davfs glusterfs gpfs lustre ncpfs nfs nfs4 smb3 smbfs"
_FUSE_KINDS = "ceph davfs2 glusterfs rclone s3fs sshfs"
NETWORK_TYPES = frozenset(_KINDS.split()) | {f"fuse.{kind}" for kind in _FUSE_KINDS.split()}
"""Names of network file systems in /proc/mounts."""


def refuse_network_drive(path: Path) -> None:
    """Raise a WorldError when the folder (or the nearest one that exists) is on a network drive."""
    if _on_network(path):
        raise WorldError(
            "workspace",
            "the folder is on a network drive, where a database can be damaged by two writers",
            "Choose a folder on a local disk; import the recordings from the network drive into it",
        )


def _on_network(path: Path) -> bool:
    if sys.platform == "win32":
        import ctypes

        drive = path.drive
        remote = 4
        return drive.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(drive + "\\") == remote
    mounts = Path("/proc/mounts")
    return mounts.exists() and filesystem_of(path, mounts.read_text(errors="replace")) in NETWORK_TYPES


def filesystem_of(path: Path, mounts: str) -> str:
    """Type of the file system that holds `path`, from the text of /proc/mounts: the deepest mount point above it."""
    best, found = -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        inside = path == Path(point) or Path(point) in path.parents
        if inside and len(point.rstrip(os.sep)) >= best:
            best, found = len(point.rstrip(os.sep)), fields[2]
    return found
