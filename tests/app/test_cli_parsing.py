"""Help, usage, exit codes: what the command line promises before any workspace is opened."""

import argparse
import subprocess
import sys

import pytest

from app import cli
from app.commands.parsing import workspace_path
from app.recipes import with_settings
from engine.contract.errors import UsageError, WorldError


def verbs():
    """Every verb and sub-verb with its parser, as the words one types."""

    def below(parser, words):
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, child in action.choices.items():
                    yield (*words, name), child
                    yield from below(child, (*words, name))

    return dict(below(cli.build_parser(), ()))


@pytest.mark.parametrize("words", list(verbs()), ids=" ".join)
def test_every_verb_has_help_with_an_example(words, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert "example:\n  isoline " + words[0] in told


def test_the_verbs_are_those_of_the_manual():
    assert {words[0] for words in verbs()} >= {
        *("gui", "demo", "init", "import", "records", "cohort", "model", "pretrain", "evaluate", "jobs"),
        *("compare", "report", "verify", "audit", "selftest", "export", "embed"),
    }


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["import"],
        ["export", "r1"],
        ["report"],
        ["evaluate", "model"],
        ["records", "--unknown"],
        ["audit", "--limit", "many"],
    ],
    ids=" ".join,
)
def test_a_call_that_is_off_exits_with_2(words, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    assert "usage: isoline" in capsys.readouterr().err


def test_no_workspace_named_exits_with_2_and_says_the_three_ways(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("ISOLINE_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["records"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "Add -w DIR, set ISOLINE_WORKSPACE, or run this inside a workspace folder." in told.err


def test_the_option_beats_the_environment_which_beats_the_current_folder(monkeypatch, tmp_path):
    (tmp_path / "workspace.json").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ISOLINE_WORKSPACE", raising=False)
    assert workspace_path(argparse.Namespace()) == tmp_path
    monkeypatch.setenv("ISOLINE_WORKSPACE", "from-environment")
    assert workspace_path(argparse.Namespace()).name == "from-environment"
    given = cli.build_parser().parse_args(["records", "-w", "given"])
    assert workspace_path(given).name == "given"


@pytest.mark.parametrize("words", [["jobs", "-w", "given", "list"], ["jobs", "list", "-w", "given"]], ids=" ".join)
def test_the_workspace_may_stand_before_or_after_the_inner_verb(words):
    assert workspace_path(cli.build_parser().parse_args(words)).name == "given"


def test_two_sources_of_a_model_exit_with_2(tmp_path, capsys):
    assert cli.main(["model", "add", "--random", "--baseline", "-w", str(tmp_path)]) == 2
    assert "Give a PATH, --endpoint, --random, --supervised or --baseline." in capsys.readouterr().err


def test_a_comparison_of_one_exits_with_2(tmp_path):
    assert cli.main(["compare", "J0001", "-w", str(tmp_path)]) == 2


def raising(error):
    def act(_):
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WorldError("disk", "it is full", "Free some space"), 1),
        (UsageError("job J9999", "there is none", "See: isoline jobs"), 2),
        (ValueError("patient Jane Doe"), 3),
        (KeyboardInterrupt(), 1),
    ],
)
def test_each_kind_of_error_has_its_exit_code(monkeypatch, capsys, error, code):
    monkeypatch.setattr("app.commands.records._records", raising(error))
    assert cli.main(["records", "-w", "x"]) == code
    assert capsys.readouterr().out == ""


def test_a_bug_shows_where_it_struck_but_not_the_message(monkeypatch, capsys):
    monkeypatch.delenv("ISOLINE_DEBUG", raising=False)
    monkeypatch.setattr("app.commands.records._records", raising(ValueError("patient Jane Doe")))
    cli.main(["records", "-w", "x"])
    told = capsys.readouterr().err
    assert "ValueError" in told
    assert "test_cli_parsing.py" in told
    assert "Jane" not in told


def test_settings_are_toml_with_dotted_keys():
    changed = with_settings(
        {"steps": 10, "backbone": {"name": "s4", "width": 512}},
        ["backbone.width=64", "learning_rate = 1e-3", 'name="my model"', "device=cpu", "objective.negatives=16"],
    )
    assert changed == {
        "steps": 10,
        "backbone": {"name": "s4", "width": 64},
        "learning_rate": 1e-3,
        "name": "my model",
        "device": "cpu",
        "objective": {"negatives": 16},
    }


def test_settings_leave_the_recipe_as_it_was():
    recipe = {"backbone": {"width": 512}}
    with_settings(recipe, ["backbone.width=64"])
    assert recipe == {"backbone": {"width": 512}}


@pytest.mark.parametrize("setting", ["steps", "=3", "steps.more=3"])
def test_a_setting_of_another_form_is_refused(setting):
    with pytest.raises(UsageError):
        with_settings({"steps": 10}, [setting])


def test_help_comes_without_heavy_imports():
    code = "import sys; from app import cli; cli.build_parser(); print([m for m in HEAVY if m in sys.modules])"
    heavy = "HEAVY = ['torch', 'sqlalchemy', 'scipy', 'PySide6', 'reportlab', 'wfdb']; "
    done = subprocess.run([sys.executable, "-c", heavy + code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of a POSIX shell")
def test_a_reader_that_leaves_early_is_no_error():
    code = "import sys; from app import cli; sys.exit(cli.main(['selftest']))"
    broken = (
        "import app.commands.installation as i; i._selftest = lambda a: [print('x' * 100) for _ in range(9999)] and 0; "
    )
    command = f'{sys.executable} -c "{broken}{code}" | head -1; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
