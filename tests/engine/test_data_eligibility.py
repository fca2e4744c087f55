"""Rules say what people say, leave out whom they must, and count every recording once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contract.eligibility import parse_rule
from engine.contract.errors import UsageError
from engine.data.eligibility import Candidate, flow_of, reason_against
from engine.signal.leads import CANONICAL

ADULT = Candidate(
    patient="p1",
    age=56.0,
    sex="female",
    seconds=10.0,
    rate=500.0,
    year=2019,
    quality="limited",
    findings=("flat line",),
    device="MAC 5500 HD",
    setting="emergency",
    format="WFDB format 16",
    paced=False,
    leads=CANONICAL,
    derived=("III", "aVR", "aVL", "aVF"),
)
NOBODY = Candidate(patient="p2")


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("age 18..", ""),
        ("age 18..89", ""),
        ("age 57..", "age below 57 years"),
        ("age ..40", "age above 40 years"),
        ("seconds 10", ""),
        ("seconds 30..", "seconds below 30 s"),
        ("rate 1000..", "rate below 1000 Hz"),
        ("year 2015..2018", "year above 2018"),
        ("sex female", ""),
        ("sex male", "sex female"),
        ("quality good limited", ""),
        ("quality GOOD", "quality limited"),
        ("device mac", ""),
        ('device "Page Writer" PageWriter', "device MAC 5500 HD"),
        ("setting ward", "setting emergency"),
        ("format wfdb", ""),
        ("paced no", ""),
        ("paced yes", "not paced"),
        ("leads I II III V1", ""),
        ("measured I II V1", ""),
        ("measured I III aVF", "lead III, aVF computed from others"),
        ("without flat line", "flat line"),
        ("without Flat Line", "Flat Line"),
        ("without clipping", ""),
    ],
)
def test_a_rule_lets_in_whom_it_names(rule, reason):
    assert reason_against(parse_rule(rule), ADULT) == reason


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("age 18..", "age unknown"),
        ("sex male", "sex unknown"),
        ("device MAC", "device unknown"),
        ("year 2015..", "year unknown"),
        ("paced no", "pacing unknown"),
        ("quality good", "quality unknown"),
        ("leads V1 V2", "no lead V1, V2"),
        ("without flat line", ""),
    ],
)
def test_not_to_know_is_a_reason_of_its_own(rule, reason):
    assert reason_against(parse_rule(rule), NOBODY) == reason
    if "unknown" in reason:
        assert reason_against(parse_rule(rule + " or unknown"), NOBODY) == ""


def test_an_age_above_89_is_not_told_apart_from_another():
    old = Candidate(patient="p", age=90.0, age_over_89=True)
    assert reason_against(parse_rule("age 18.."), old) == ""
    assert reason_against(parse_rule("age ..89"), old) == "age above 89 years"
    assert reason_against(parse_rule("age ..95"), old) == "age above 89, how much is not known"
    assert reason_against(parse_rule("age 92.."), old) == "age above 89, how much is not known"
    assert reason_against(parse_rule("age ..95 or unknown"), old) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is no rule"),
        ("height 180..", "it is no rule"),
        ("age", "a range needs a limit"),
        ("age ..", "a range needs a limit"),
        ("age old..", "its limits are no numbers"),
        ("age 90..18", "the smallest value is above the largest"),
        ("paced maybe", "it is no rule"),
        ("leads I MLII", "MLII is none of the twelve leads"),
        ('device "MAC', "a quotation mark is left open"),
        ("leads I or unknown", "Extra inputs are not permitted"),
        ("age nan..", "finite"),
    ],
)
def test_what_is_no_rule_is_refused_with_examples(text, reason):
    with pytest.raises(UsageError, match=reason) as told:
        parse_rule(text)
    assert "age 18..89" in told.value.next_step


@pytest.mark.parametrize(
    "text",
    [
        "age 18..89",
        "age 18..",
        "year ..2018 or unknown",
        "rate 250..",
        "sex female male",
        'device "MAC 5500" PageWriter or unknown',
        "paced no or unknown",
        "leads I II V1",
        "measured I II",
        "without flat line",
    ],
)
def test_a_rule_is_told_in_the_words_it_is_written_in(text):
    assert str(parse_rule(text)) == text
    assert parse_rule(str(parse_rule(text))) == parse_rule(text)


def test_the_flow_counts_each_recording_at_the_first_rule_that_it_does_not_meet():
    candidates = [
        Candidate("a", age=50.0, sex="male", quality="good"),
        Candidate("a", age=12.0, sex="male", quality="unusable"),
        Candidate("b", age=None, sex="male", quality="good"),
        Candidate("c", age=70.0, sex="male", quality="unusable"),
        Candidate("d", age=70.0, sex="female", quality="good"),
    ]
    rules = [parse_rule(text) for text in ("age 18..", "quality good limited", "sex female male")]
    flow = flow_of(candidates, rules)
    assert [(step.records, step.patients, step.excluded, step.left) for step in flow.steps] == [
        (5, 4, {"age below 18 years": 1, "age unknown": 1}, 3),
        (3, 3, {"quality unusable": 1}, 2),
        (2, 2, {}, 2),
    ]
    assert flow.chosen == (0, 4)
    assert flow.patients == 2
    other = flow_of(candidates, rules[::-1])
    assert other.chosen == flow.chosen
    assert other.steps[1].excluded == {"quality unusable": 2}


def test_without_rules_everybody_is_let_in():
    flow = flow_of([ADULT, NOBODY], [])
    assert (flow.steps, flow.chosen, flow.patients) == ((), (0, 1), 2)


RULES = [
    "age 18..89",
    "age ..60 or unknown",
    "sex female",
    "paced no",
    "leads I V6",
    "quality good",
    "without flat line",
]


@given(
    ages=st.lists(st.one_of(st.none(), st.integers(0, 90)), max_size=30),
    rules=st.lists(st.sampled_from(RULES), max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_what_comes_in_is_left_out_or_goes_on_and_the_order_changes_nobody(ages, rules, order):
    candidates = [
        Candidate(f"p{n % 7}", age=age, sex=("female", "unknown")[n % 2], quality="good", leads=CANONICAL[: n % 13])
        for n, age in enumerate(ages)
    ]
    parsed = [parse_rule(rule) for rule in rules]
    flow = flow_of(candidates, parsed)
    counts = [len(candidates), *(step.left for step in flow.steps)]
    assert counts[:-1] == [step.records for step in flow.steps]
    assert counts[-1] == len(flow.chosen)
    order.shuffle(parsed)
    assert flow_of(candidates, parsed).chosen == flow.chosen
