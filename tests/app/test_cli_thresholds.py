"""isoline evaluate --threshold and --prevalence: what they say is what the run is told."""

import pytest

from app import cli
from app.commands.runs import _reading
from engine.contract.errors import EXIT_USAGE, UsageError


def test_rules_and_prevalences_are_read():
    told = _reading("sensitivity=0.95", ["MI=0.02", "MI=0.1", "a=b=0.5"])
    assert (told.threshold.kind, told.threshold.target) == ("sensitivity", 0.95)
    assert told.local_prevalence == {"MI": (0.02, 0.1), "a=b": (0.5,)}
    assert _reading("youden", []).threshold.words == "largest Youden index"


@pytest.mark.parametrize(
    ("threshold", "prevalences", "option"),
    [
        ("best", [], "--threshold"),
        ("sensitivity=2", [], "--threshold"),
        ("specificity=high", [], "--threshold"),
        ("youden", ["MI=1"], "--prevalence"),
        ("youden", ["MI"], "--prevalence"),
    ],
)
def test_what_cannot_be_read_names_its_option(threshold, prevalences, option):
    with pytest.raises(UsageError, match=option):
        _reading(threshold, prevalences)


def test_the_verb_refuses_before_it_opens_a_workspace(tmp_path, capsys):
    words = ["evaluate", "m", "--cohort", "c", "--prevalence", "MI=7", "-w", str(tmp_path / "none"), "--json"]
    assert cli.main(words) == EXIT_USAGE
    told = capsys.readouterr()
    assert "--prevalence" in (told.out + told.err)
    assert not (tmp_path / "none").exists()
