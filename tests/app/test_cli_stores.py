"""Verbs on the store: what it holds, whether it is whole, what was resampled once and kept."""

import json
import shutil

import numpy as np
import pytest
from core_cases import make_workspace

from app import cli
from app.workspace import Workspace
from engine.contract.errors import EXIT_DONE, EXIT_WORLD
from engine.data.resampled import Recipe, derive
from engine.data.store import Store


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_workspace(tmp_path_factory.mktemp("template") / "workspace", count=4)


@pytest.fixture
def ward(template, tmp_path):
    return shutil.copytree(template, tmp_path / "ward7")


@pytest.fixture
def isoline(ward, capsys):
    def run(*words):
        capsys.readouterr()
        code = cli.main([*words, "-w", str(ward)])
        return code, capsys.readouterr().out

    return run


def test_the_store_tells_what_it_holds(isoline):
    code, out = isoline("store", "--json")
    told = json.loads(out)
    assert code == EXIT_DONE
    assert (told["recordings"], told["rates"], told["exact"]) == (4, {"500": 4}, 4)
    assert told["hours"] == pytest.approx(40 / 3600)
    assert "4 recordings at 500 Hz" in isoline("store", "show")[1]


def test_a_whole_store_is_verified_as_a_job(isoline, ward):
    code, out = isoline("store", "verify")
    assert code == EXIT_DONE
    assert "4 recordings read, 0.5 MB: every one is as it was written." in out
    with Workspace.open(ward) as workspace:
        assert workspace.jobs()[0].kind == "verify"
        assert workspace.jobs()[0].state == "done"


def test_a_damaged_recording_is_named_and_fails(isoline, ward):
    shard = ward / "store" / "shard-00000.bin"
    block = bytearray(shard.read_bytes())
    block[5000 * 24 + 3] ^= 1
    shard.write_bytes(block)
    damaged = Store.open(ward / "store").entry(1).record_id
    code, out = isoline("store", "verify")
    assert code == EXIT_WORLD
    assert f"{damaged}  its samples do not match their checksum" in out
    assert "1 damaged" in out
    code, out = isoline("store", "verify", "--json")
    assert code == EXIT_WORLD
    assert [fault["record_id"] for fault in json.loads(out)["faults"]] == [damaged]


def test_what_was_resampled_is_listed_and_deleting_it_says_how_much_that_frees(isoline, ward):
    assert "Nothing was resampled" in isoline("store", "derived")[1]
    recipe = Recipe(rate_hz=240.0, clip_mv=3.0)
    derive(Store.open(ward / "store"), np.arange(4), recipe)
    (row,) = json.loads(isoline("store", "derived", "--json")[1])
    assert (row["key"], row["rate_hz"], row["records"]) == (recipe.key, 240.0, 4)
    assert recipe.key in isoline("store", "derived")[1]
    code, out = isoline("store", "forget", recipe.key)
    assert code == EXIT_DONE
    assert out.strip() == f"{row['size_bytes'] / 1e6:,.1f} MB freed."
    assert isoline("store", "forget", recipe.key)[0] == EXIT_WORLD
    with Workspace.open(ward) as workspace:
        assert workspace.audit()[0].action == "derived stores deleted"
        assert workspace.audit()[0].detail["bytes"] == row["size_bytes"]
