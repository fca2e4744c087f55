"""Loading the compiled loops: tested before use, and where they are not used the reason is told."""

import itertools
import json
import shutil
import subprocess

import pytest

from engine.cli import main
from engine.kernels import library
from engine.kernels.library import Kernels, built_libraries, kernels, load, shared
from engine.native.samples import samples

needs_library = pytest.mark.skipif(kernels().library is None, reason=f"compiled loops are off: {kernels().reason}")
compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
needs_compiler = pytest.mark.skipif(compiler is None, reason="there is no C compiler here")


def build(folder, change=lambda text: text):
    """The source, changed, as a library."""
    source, built = folder / "loops.c", folder / "loops.so"
    source.write_text(change(library.SOURCE.read_text(encoding="utf-8")), encoding="utf-8")
    flags = ["-std=c11", "-O1", "-shared", "-fPIC", f"-DISOLINE_SOURCE={library.source_digest()}"]
    subprocess.run([compiler, *flags, str(source), "-o", str(built), "-lm"], check=True)
    return built


@needs_compiler
def test_a_plain_build_without_vector_instructions_passes_the_self_test(tmp_path):
    assert load(build(tmp_path)).library is not None


@needs_compiler
@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        ("return 0.5f * x * (1.0f + error_function(x))", "return 0.5f * x * (1.0f + x)", "scan, GELU"),
        ("dg_n[n] = mul_add(u_t, x_n[n], dg_n[n]);", "dg_n[n] = x_n[n];", "scan, gradient of the weights"),
        ("(float)D + (float)eps", "(float)D", "glu_norm, output"),
        ("s[d] * (1.0f - s[d])", "s[d]", "glu_norm, gradient of the gate"),
    ],
)
def test_a_wrong_library_is_not_used_and_the_reason_names_the_loop(tmp_path, right, wrong, reason):
    def spoilt(text):
        assert right in text
        return text.replace(right, wrong)

    told = load(build(tmp_path, spoilt))
    assert told.library is None
    assert told.reason == f"failed its self-test: {reason}"


@needs_compiler
def test_a_stale_library_is_not_used(tmp_path, monkeypatch):
    built = build(tmp_path)
    monkeypatch.setattr(library, "source_digest", lambda: "of another text")
    assert "another version of the source" in load(built).reason


def test_a_file_that_is_no_library_is_not_used(tmp_path):
    path = tmp_path / "loops.so"
    path.write_bytes(b"not a library")
    assert load(path) == Kernels(None, "cannot be loaded (OSError)")


def test_the_engines_check_tells_why_the_loops_are_off(monkeypatch, capsys):
    monkeypatch.setenv(library.SWITCH, "off")
    loaders = kernels, samples
    for loader in loaders:
        loader.cache_clear()
    try:
        assert main(["check", "--json"]) == 0
    finally:
        for loader in loaders:
            loader.cache_clear()
    told = json.loads(capsys.readouterr().out)
    assert told["kernels"] == told["samples"] == {"state": "off", "reason": "switched off by ISOLINE_KERNELS"}


@needs_library
def test_the_library_that_the_build_made_is_the_one_that_is_used():
    assert built_libraries()
    assert kernels().told["state"] == "on"


@pytest.mark.parametrize(("items", "threads", "grain"), [(1, 4, 1), (512, 3, 16), (19, 4, 16), (7, 2, 1), (100, 8, 1)])
def test_parts_cover_every_item_once_and_start_at_multiples_of_the_grain(items, threads, grain):
    parts = []
    shared(lambda first, last: parts.append((first, last)), items, threads, grain)
    parts.sort()
    assert parts[0][0] == 0
    assert parts[-1][1] == items
    assert all(a[1] == b[0] for a, b in itertools.pairwise(parts))
    assert all(first % grain == 0 for first, _ in parts)
    assert len(parts) <= threads
