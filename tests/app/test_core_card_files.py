"""Model cards as files: every fault with its field, "unknown" and "declined" taken in, a form that can be filled in."""

import json
import tomllib
from pathlib import Path

import pytest
from external_cases import graph, safetensors
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.card_files import check_card, faults_of, plain_card, read_card, with_assumptions
from app.core.card_form import blank_card
from app.core.external_models import refuse_faults
from engine.contract.card import ModelCard
from engine.contract.errors import UsageError, WorldError

WHOLE = """
name = "vendor"
licence = "Apache-2.0"
non_commercial = "unknown"
developer = "declined"
eligibility = ["age 18..", "paced no"]
[lineage]
corpus = "declined"
parameters = "unknown"
[preprocessing]
leads = ["II"]
rate_hz = 500
window_s = 10
axes = "batch time"
clip_mv = "none"
units = "declined"
filters = "unknown"
[[outputs]]
name = "y"
kind = "logits"
classes = ["a", "b"]
activation = "softmax"
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "card.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_card_may_say_unknown_and_declined_anywhere(tmp_path: Path) -> None:
    card = with_assumptions(read_card(written(tmp_path, WHOLE)))
    assert (card.source, card.non_commercial, card.lineage.parameters) == ("external", None, None)
    assert set(card.declined) == {"developer", "lineage.corpus", "preprocessing.units"}
    assert card.preprocessing is not None
    assert (card.preprocessing.clip_mv, card.preprocessing.units) == (None, "mV")
    assert {"preprocessing.units", "preprocessing.filters"} <= set(card.assumed)
    assert not {"preprocessing.clip_mv", "preprocessing.rate_hz"} & set(card.assumed)
    assert check_card(tmp_path / "card.toml") == []


def test_the_same_card_as_json_is_the_same_card(tmp_path: Path) -> None:
    toml = read_card(written(tmp_path, WHOLE))
    (tmp_path / "card.json").write_text(json.dumps(tomllib.loads(WHOLE)), encoding="utf-8")
    assert read_card(tmp_path / "card.json") == toml


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("rate_hz = 500", "rate_hz = 0", "preprocessing.rate_hz: it must be more than 0"),
        ("rate_hz = 500", "rate_hz = 'unknown'", "preprocessing.rate_hz: it is needed"),
        ("rate_hz = 500", "rate = 500", "did you mean rate_hz?"),
        ('leads = ["II"]', 'leads = ["X"]', "preprocessing.leads: each of I II III"),
        ('units = "declined"', 'units = "V"', "preprocessing.units: it must be 'mV' or 'uV'"),
        ('filters = "unknown"', 'filters = "nice"', "preprocessing.filters: its filter 'nice' is not understood"),
        ('filters = "unknown"', 'filters = "low-pass 300 Hz, Butterworth order 4, forward"', "rate of 500 Hz"),
        ('filters = "unknown"', "stride_s = 5.0", "preprocessing.aggregation: windows with a stride overlap"),
        ('filters = "unknown"', 'normalisation = "z-score per lead by constants"', "there are no means"),
        ('axes = "batch time"', 'axes = "sideways"', "preprocessing.axes: it must be"),
        ('"age 18.."', '"age eighteen"', "eligibility: rule 'age eighteen'"),
        ('"age 18.."', '"without ghosts"', "there is no such finding"),
        ('kind = "logits"', 'kind = "unknown"', "outputs.0.kind: it is needed"),
        ('classes = ["a", "b"]', 'classes = ["a", "a"]', "outputs.0: output y names a class twice"),
        ('licence = "Apache-2.0"', 'declined = ["colour"]', "declined: the card has no field 'colour'"),
    ],
)
def test_every_fault_is_named_with_its_field(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in WHOLE
    faults = check_card(written(tmp_path, WHOLE.replace(old, new)))
    assert any(said in fault for fault in faults), faults


def test_all_faults_of_a_card_are_named_at_once(tmp_path: Path) -> None:
    file = written(tmp_path, WHOLE.replace('leads = ["II"]', 'leads = ["X"]').replace('"paced no"', '"ill"'))
    assert len(check_card(file)) == 2
    with pytest.raises(UsageError, match=r"\(and 1 more\)"):
        refuse_faults(read_card(file))


def test_a_card_without_contract_or_outputs_says_so() -> None:
    bare = ModelCard(name=" ", source="external")
    assert [fault.partition(":")[0] for fault in faults_of(bare)] == ["name", "preprocessing", "outputs"]


@pytest.mark.parametrize("text", ["{", "name = ", "\x00", "[1, 2]", '"text"'])
def test_what_is_no_card_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(WorldError, match="neither TOML nor JSON"):
        read_card(written(tmp_path, text))
    with pytest.raises(WorldError, match="cannot be read"):
        read_card(tmp_path / "nowhere.toml")


LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=True), st.text(max_size=8))
VALUES = LEAVES | st.lists(LEAVES, max_size=3) | st.dictionaries(st.sampled_from(["rate_hz", "corpus", "x"]), LEAVES)
NAMES = st.sampled_from([*ModelCard.model_fields, "nonsense"])


@settings(max_examples=100, deadline=None)
@given(told=st.dictionaries(NAMES, VALUES, max_size=6))
def test_whatever_stands_in_a_card_every_fault_is_told_and_nothing_crashes(
    tmp_path_factory: pytest.TempPathFactory, told: dict[str, object]
) -> None:
    file = tmp_path_factory.mktemp("cards") / "card.json"
    file.write_text(json.dumps(told), encoding="utf-8")
    assert all(isinstance(fault, str) and fault for fault in check_card(file))
    assert "source" in plain_card(told)


def test_a_form_holds_what_a_graph_tells_and_asks_for_the_rest(tmp_path: Path) -> None:
    form = blank_card(graph(tmp_path))
    told = tomllib.loads(form)
    assert (told["preprocessing"]["axes"], [one["name"] for one in told["outputs"]]) == ("batch time", ["y"])
    assert {told["licence"], told["lineage"]["corpus"], told["preprocessing"]["units"]} == {"unknown"}
    faults = check_card(written(tmp_path, form))
    assert {fault.partition(":")[0] for fault in faults} >= {"preprocessing.rate_hz", "outputs.0.kind"}


def test_a_form_that_is_filled_in_is_a_card(tmp_path: Path) -> None:
    form = blank_card(graph(tmp_path))
    filled = form.replace('rate_hz = "unknown" ', "rate_hz = 500 ").replace('window_s = "unknown" ', "window_s = 10 ")
    filled = filled.replace('\nleads = "unknown" ', '\nleads = ["II"] ').replace(
        'kind = "unknown" ', 'kind = "logits" '
    )
    filled = filled.replace("classes = [] ", 'classes = ["NORM", "MI"] ')
    assert check_card(written(tmp_path, filled)) == []
    assert read_card(tmp_path / "card.toml").name == "model"


def test_a_form_counts_the_numbers_of_weights_and_stands_without_a_file(tmp_path: Path) -> None:
    assert tomllib.loads(blank_card(safetensors(tmp_path / "w")))["lineage"]["parameters"] == 12
    assert tomllib.loads(blank_card())["name"] == "unknown"
    assert all(len(line) <= 130 for line in blank_card(graph(tmp_path)).splitlines())
