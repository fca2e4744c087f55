"""isoline evaluate: what its options say is what the run is told, and what cannot be read names its option."""

import argparse

import pytest

from app import cli
from app.commands.evaluations import settings_of
from engine.contract.errors import EXIT_USAGE, UsageError
from engine.contract.evaluation import EvaluationSettings


def told(*words) -> EvaluationSettings:
    """The settings of a command line."""
    arguments: argparse.Namespace = cli.build_parser().parse_args(["evaluate", "m", "--cohort", "c", *words])
    return settings_of(arguments)


def test_without_options_every_setting_keeps_its_default():
    assert told() == EvaluationSettings()


def test_rules_and_prevalences_are_read():
    settings = told("--threshold", "sensitivity=0.95", *("--prevalence=MI=0.02", "--prevalence=MI=0.1"))
    assert (settings.threshold.kind, settings.threshold.target) == ("sensitivity", 0.95)
    assert settings.local_prevalence == {"MI": (0.02, 0.1)}
    assert told("--prevalence", "MI=2.5%").local_prevalence == {"MI": (0.025,)}
    assert told("--prevalence", "a=b=0.5").local_prevalence == {"a=b": (0.5,)}


def test_thresholds_that_a_product_ships_with_are_read():
    settings = told("--given-threshold", "AF=0.35", "--given-threshold", "a=b=-1.2")
    assert settings.given_thresholds == {"AF": 0.35, "a=b": -1.2}


def test_every_setting_can_be_said():
    settings = told(
        *("--mode", "finetune", "--epochs", "7", "--set", "training.head_rate=0.01", "--set", "batch_size=8"),
        *("--subgroup", "sex", "--subgroup", "device", "--margin", "0.05", "--confirmatory"),
        *("--decision-range", "0.02", "0.2", "--resamples", "300", "--seed", "4", "--set", "confidence=0.9"),
    )
    assert (settings.mode, settings.training.epochs, settings.training.head_rate) == ("finetune", 7, 0.01)
    assert (settings.subgroups, settings.gap_margin, settings.confirmatory) == (("sex", "device"), 0.05, True)
    assert (settings.decision_range, settings.resamples, settings.seed) == ((0.02, 0.2), 300, 4)
    assert (settings.batch_size, settings.confidence) == (8, 0.9)


def test_fewer_labels_are_asked_for_with_or_without_a_target():
    assert told("--few-labels").few_labels.target is None
    assert told("--few-labels", "0.85").few_labels.target == 0.85
    assert told("--few-labels", "--set", "few_labels.repeats=20").few_labels.repeats == 20


def test_subgroups_can_be_left_out():
    assert told("--subgroup", "none").subgroups == ()


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["--threshold", "best"], "--threshold"),
        (["--threshold", "sensitivity=2"], "--threshold"),
        (["--threshold", "specificity=high"], "--threshold"),
        (["--prevalence", "MI=1"], "--prevalence"),
        (["--prevalence", "MI"], "--prevalence"),
        (["--prevalence", "MI=100%"], "--prevalence"),
        (["--prevalence", "MI=few%"], "--prevalence"),
        (["--given-threshold", "0.35"], "--given-threshold 0.35: it is not of the form"),
        (["--given-threshold", "AF=high"], "--given-threshold"),
        (["--given-threshold", "AF=nan"], "--given-threshold"),
        (["--given-threshold", "AF=1", "--given-threshold", "AF=2"], "a threshold is given for AF already"),
        (["--epochs", "0"], "--epochs"),
        (["--subgroup", "shoe size"], "--subgroup"),
        (["--margin", "wide"], "--margin"),
        (["--few-labels", "1.5"], "--few-labels"),
        (["--decision-range", "0.5", "0.1"], "--decision-range"),
        (["--resamples", "3"], "--resamples"),
        (["--set", "training.head_rate=7"], "--set training.head_rate"),
        (["--set", "training.epoch=7"], "did you mean epochs"),
    ],
)
def test_what_cannot_be_read_names_its_option(words, option):
    with pytest.raises(UsageError, match=option):
        told(*words)


def test_the_verb_refuses_before_it_opens_a_workspace(tmp_path, capsys):
    words = ["evaluate", "m", "--cohort", "c", "--prevalence", "MI=7", "-w", str(tmp_path / "none"), "--json"]
    assert cli.main(words) == EXIT_USAGE
    said = capsys.readouterr()
    assert "--prevalence" in (said.out + said.err)
    assert not (tmp_path / "none").exists()
