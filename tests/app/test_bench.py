"""`isoline bench engine`: the engine measures, the app tells."""

import json
import sys

import pytest

from app import cli
from engine.contract.errors import EXIT_BUG, EXIT_DONE, EXIT_WORLD

ROW = {
    "name": "s4-embed-1",
    "what": "S4 embedding, batch 1",
    "ours_ms": 20.0,
    "reference_ms": 80.0,
    "ratio": 4.0,
    "goal_ratio": 6.0,
    "share": 0.75,
    "goal_share": 0.6,
    "published_here_ms": 115.0,
    "gemm": 84.0,
    "ours_mb": 7.0,
    "reference_mb": 1234.0,
    "equal": True,
    "valid": True,
    "met": False,
}
MACHINE = {"peak": 116.0, "peak_is": "registers", "gemm": 84.0, "kernels": "off", "kernels_reason": "no compiler"}


@pytest.fixture
def engine_says(monkeypatch, tmp_path):
    def says(text):
        program = tmp_path / "engine.py"
        program.write_text(f"import sys\nassert sys.argv[1:] == ['bench', 'engine', '--json']\nprint({text!r})\n")
        monkeypatch.setenv("ISOLINE_ENGINE", f"{sys.executable} {program}")

    return says


def report(**changes):
    row = ROW | changes
    return json.dumps({"machine": MACHINE, "published": {"gemm": 68.0}, "rows": [row], "equal": row["equal"]})


@pytest.mark.parametrize(
    ("changes", "verdict", "code"),
    [
        ({}, "not reached", EXIT_DONE),
        ({"met": True}, "reached", EXIT_DONE),
        ({"valid": False}, "slower than published", EXIT_DONE),
        ({"equal": False}, "NOT EQUAL", EXIT_BUG),
    ],
)
def test_each_row_is_told_with_its_verdict_and_only_an_unequal_result_fails(
    engine_says, capsys, changes, verdict, code
):
    engine_says(report(**changes))
    assert cli.main(["bench", "engine"]) == code
    said = capsys.readouterr().out
    assert verdict in said
    assert "75%" in said
    assert "no compiler" in said
    assert "7 / 1,234" in said


def test_a_row_whose_memory_is_not_known_leaves_it_out(engine_says, capsys):
    engine_says(report(ours_mb=None))
    assert cli.main(["bench", "engine"]) == EXIT_DONE
    assert "1,234" not in capsys.readouterr().out


def test_programs_get_the_rows_as_they_are(engine_says, capsys):
    engine_says(report())
    assert cli.main(["bench", "engine", "--json"]) == EXIT_DONE
    assert json.loads(capsys.readouterr().out)["rows"] == [ROW]


def test_an_engine_that_does_not_answer_is_told(engine_says, capsys):
    engine_says("no json at all")
    assert cli.main(["bench", "engine"]) == EXIT_WORLD
    assert "its benchmark did not answer" in capsys.readouterr().err
