"""What a sandboxed process gets to see: the system's libraries, the interpreter, the engine, and one model's folder."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import engine

HOME = "/isoline"
"""Where engine, packages and model stand inside."""
MODEL = f"{HOME}/model"
SCRATCH = "/tmp"
SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
"""Links into /usr on most systems, folders of their own on old ones."""
LOADER = ("/etc/ld.so.cache",)
WRITABLE_DEVICES = ("/dev/null", "/dev/zero", "/dev/full")
READABLE_DEVICES = ("/dev/random", "/dev/urandom")
HARDWARE = ("/sys/devices/system/cpu", "/proc/cpuinfo", "/proc/meminfo", "/proc/self", "/proc/stat")
"""What numeric libraries look at to choose their code, where no new /proc can be given."""
PACKAGES = ("numpy", "onnxruntime", "torch", "safetensors")


@dataclass(frozen=True)
class Layout:
    """Paths outside and inside.

    Attributes:
        binds: pairs of a path outside and where it stands inside, read-only.
        links: pairs of a target and the path of a symbolic link inside.
        python: the interpreter and its options, by its path inside; of a frozen program its own executable.
        search: folders that modules are imported from, by their paths inside.
        search_outside: the same folders by their paths outside.
        folder: the model's folder inside.
        scratch: the folder that may be written, inside.
    """

    binds: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...]
    python: tuple[str, ...]
    search: tuple[str, ...]
    search_outside: tuple[str, ...]
    folder: str
    scratch: str

    @cached_property
    def library_bytes(self) -> int:
        """Size of torch's shared libraries, which a process that loads torch has in its address space."""
        spec = importlib.util.find_spec("torch")
        if spec is None or not spec.origin:
            return 0
        around = Path(spec.origin).parent
        found = [*around.glob("lib/*.so*"), *around.parent.glob("nvidia/**/*.so*")]
        return sum(path.stat().st_size for path in found)


def moved(folder: Path) -> Layout:
    """For a process with a root of its own: engine, packages and model stand at fixed places."""
    binds = [("/usr", "/usr"), *((path, path) for path in LOADER if os.path.exists(path))]
    links = []
    for path in SYSTEM:
        if os.path.islink(path):
            links.append((os.readlink(path), path))
        elif os.path.isdir(path):
            binds.append((path, path))
    binds += [(path, path) for path in _interpreter() if not path.startswith("/usr/")]
    search: list[str] = []
    if not frozen():
        packages = _package_folders()
        binds.append((str(_engine()), f"{HOME}/code/engine"))
        binds += [(path, f"{HOME}/packages{index}") for index, path in enumerate(packages)]
        search = [f"{HOME}/code", *(f"{HOME}/packages{index}" for index in range(len(packages)))]
    binds.append((str(folder.resolve()), MODEL))
    return Layout(tuple(binds), tuple(links), _python(), tuple(search), _search(), MODEL, SCRATCH)


def in_place(folder: Path, scratch: Path) -> Layout:
    """For a process that keeps the machine's root and may open no more of it than these."""
    paths = ["/usr", *SYSTEM, *LOADER, *HARDWARE, *_interpreter(), str(folder.resolve())]
    if not frozen():
        paths += [str(_engine()), *_package_folders()]
    here = [(path, path) for path in paths if os.path.exists(path)]
    return Layout(tuple(here), (), _python(), _search(), _search(), str(folder.resolve()), str(scratch.resolve()))


def frozen() -> bool:
    """Whether this is the packed program, which has no interpreter beside it."""
    return bool(getattr(sys, "frozen", False))


def _engine() -> Path:
    return Path(engine.__file__).resolve().parent


def _python() -> tuple[str, ...]:
    if frozen():
        return (os.path.realpath(sys.executable), "sandbox-worker")
    base = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    start = "import sys; sys.path[:0] = sys.argv[1].split('|'); from engine.zoo.sandbox.launcher import main; "
    return (base, "-I", "-S", "-B", "-c", start + "sys.exit(main(sys.argv[2]))")


def _interpreter() -> list[str]:
    """The folder of the interpreter and its standard library, or of the packed program."""
    if frozen():
        return sorted({os.path.dirname(os.path.realpath(sys.executable)), str(getattr(sys, "_MEIPASS", ""))} - {""})
    base = os.path.realpath(sys.base_prefix)
    return [] if base in ("/usr", "/") else [base]


def _search() -> tuple[str, ...]:
    return () if frozen() else (str(_engine().parent), *_package_folders())


def _package_folders() -> list[str]:
    """The folders that the runtimes' packages are installed in, each once."""
    return list(dict.fromkeys(_folders(PACKAGES)))


def _folders(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin:
            yield os.path.realpath(Path(spec.origin).parent.parent)
