"""The program works with its own engine or not at all."""

import types

import pytest

from app import cli
from engine.contract.errors import EXIT_WORLD


def test_a_foreign_engine_is_refused_before_anything_is_done(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(cli, "engine", types.SimpleNamespace(__file__=str(tmp_path / "engine" / "__init__.py")))
    assert cli.main(["init", str(tmp_path / "ward")]) == EXIT_WORLD
    assert "another package named 'app' or 'engine'" in capsys.readouterr().err
    assert not (tmp_path / "ward").exists()


@pytest.mark.parametrize("verb", ["selftest", "bench"])
def test_help_of_the_installation_verbs_needs_no_workspace(verb):
    with pytest.raises(SystemExit) as end:
        cli.main([verb, "--help"])
    assert end.value.code == 0
