"""The list of published foundation models on the command line."""

import argparse
import json

import pytest

from app import cli
from app.commands import families
from engine.contract.errors import UsageError
from engine.contract.published_families import FAMILIES, GAPS


@pytest.fixture
def told(capsys):
    """Say the verb; returns what it printed."""
    parser = argparse.ArgumentParser()
    families.add(parser.add_subparsers())

    def say(*words):
        arguments = parser.parse_args(["families", *words])
        assert arguments.act(arguments) == 0
        return capsys.readouterr().out

    return say


def test_every_family_and_every_gap_is_listed(told):
    out = told()
    assert all(one.title in out for one in FAMILIES)
    assert out.count("on layout only") == len(FAMILIES)
    assert all(gap.name[1:] in out for gap in GAPS)


def test_the_list_says_where_commercial_use_is_forbidden_or_unknown(told):
    lines = {line.split()[0]: line for line in told().splitlines() if line}
    assert " forbidden " in lines["hubert-ecg"]
    assert " unknown " in lines["st-mem"]
    assert " allowed " in lines["merl"]


def test_one_family_tells_its_networks_what_they_are_fed_and_where_it_departs(told):
    out = told("st-mem/encoder")
    assert "9 s every 0.5 s at 250 Hz" in out
    assert "85,150,614 parameters" in out
    assert "its makers filter each window" in out
    assert "weights under the key 'model'" in out


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("ecgfounder/1-lead", "convert-checkpoint 1_lead_ECGFounder.pth weights.safetensors --key state_dict"),
        ("merl", "convert-checkpoint res18_best_encoder.pth weights.safetensors\n"),
        ("s4-study/dinosr", "model families s4-study/dinosr --card > card.json"),
        ("hubert-ecg/base", "model add weights.safetensors --card card.json --reason WHY -w DIR"),
    ],
)
def test_the_way_from_a_released_file_to_a_registered_model_can_be_pasted(told, name, step):
    assert step in told(name)


def test_what_is_no_pickle_needs_no_conversion(told):
    assert "convert-checkpoint" not in told("hubert-ecg/small")


def test_scripts_get_json(told):
    assert {one["name"] for one in json.loads(told("--json"))["families"]} == {one.name for one in FAMILIES}
    assert json.loads(told("merl", "--json"))["licence"] == "MIT"


def test_a_network_hands_out_its_card(told):
    assert json.loads(told("ecg-cpc/cpc", "--card"))["architecture"] == "ecg-cpc/cpc"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--card"], "no network was named"),
        (["merl", "--card"], "a card is of one network"),
        (["ecgresnet"], "it is not listed"),
        (["merl/resnet50"], "no network of it has this name"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(told, words, says):
    with pytest.raises(UsageError, match=says):
        told(*words)


def test_it_is_a_verb_on_models(capsys):
    assert cli.main(["model", "families", "ecg-fm"]) == 0
    assert "90,373,248 parameters" in capsys.readouterr().out
