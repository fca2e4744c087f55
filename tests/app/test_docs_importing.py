"""The page on importing says what is so: its examples are written to files and its commands are run, in order."""

import re
import shlex
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from core_cases import SAMPLES
from corpus_layouts import BUILDERS, LEADS, noise

from app import cli
from engine.contract.mapping import SignalTable
from engine.datasets.registry import DATASETS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "importing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [line for kind, block in BLOCKS if not kind for line in block.splitlines()]
FILES = re.findall(r"`([\w.]+)`[^`\n]*:\n\n```\w+\n(.*?)```", PAGE, re.DOTALL)
NEEDS_NO_WORKSPACE = [line for line in COMMANDS if " -w " not in line and not line.startswith("isoline init")]


def lay_out(folder):
    """The files that the page speaks of."""
    for name, text in FILES:
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "ecgs").mkdir()
    for name in ("00003_hr", "00007_hr"):
        for ending in (".hea", ".dat"):
            shutil.copy(SAMPLES / f"{name}{ending}", folder / "ecgs")
    steps_KT = noise(2000, 1)
    times_T = np.arange(2000) / 500
    heading = ",".join(("time (s)", *LEADS))
    np.savetxt(folder / "export.csv", np.c_[times_T, steps_KT.T], "%g", ",", header=heading, comments="")
    np.savetxt(folder / "ward.csv", steps_KT.T / 1000, "%.3f", ";")
    (folder / "ward.csv").write_text((folder / "ward.csv").read_text().replace(".", ","))
    (folder / "csvs").mkdir()
    np.savetxt(folder / "csvs" / "one.csv", noise(2000, 5).T / 1000, "%.3f", ",")
    np.save(folder / "one.npy", np.random.default_rng(1).normal(0, 0.3, (12, 2000)).astype(np.float32))
    many = np.stack([noise(2000, seed) for seed in (2, 3, 4)]).astype(np.float32) / 1000
    np.savez(folder / "many.npz", ecg=many, ids=np.array(["a1", "a2", "a3"]))
    with h5py.File(folder / "exams.h5", "w") as file:
        file["tracings"] = np.stack([noise(4096, 6).T / np.float32(1000)])
        file["exam_id"] = np.array([7])
    BUILDERS["ptbxl"](folder / "PTB-XL")


def run(line, capsys):
    """Exit code of a command, and the one that the page promises."""
    words, _, comment = line.partition("#")
    promised = re.match(r" exit code (\d)", comment)
    code = cli.main(shlex.split(words)[1:])
    capsys.readouterr()
    return code, int(promised[1]) if promised else 0


def without_parquet(lines):
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        return [line for line in lines if ".parquet" not in line]
    return lines


def add_parquet(folder):
    import pyarrow
    import pyarrow.parquet

    leads = dict(zip(LEADS, noise(2000, 8), strict=True))
    pyarrow.parquet.write_table(pyarrow.table(leads), folder / "one.parquet")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    lay_out(tmp_path)
    if without_parquet(["one.parquet"]):
        add_parquet(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_previews_and_lists_of_the_page_do_as_it_says(folder, capsys):
    lines = without_parquet(NEEDS_NO_WORKSPACE)
    assert len(lines) >= 9
    assert [line for line in lines if len(set(run(line, capsys))) > 1] == []


@pytest.mark.slow
def test_every_command_of_the_page_does_as_it_says_in_order(folder, capsys):
    wrong = []
    for line in without_parquet(COMMANDS):
        code, promised = run(line, capsys)
        if code != promised:
            wrong.append((line, code))
    assert wrong == []


def test_the_page_names_every_field_of_a_mapping_and_every_corpus():
    for name in (*SignalTable.model_fields, *DATASETS):
        assert f"`{name}`" in PAGE, name


def test_the_page_links_to_pages_that_are_there():
    for target in re.findall(r"\]\(([\w./-]+\.md)", PAGE):
        assert (Path(__file__).resolve().parents[2] / "docs" / target).is_file(), target
