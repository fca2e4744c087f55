"""How numbers are printed: never without their interval, or without the reason why there is none."""

import json
from pathlib import Path

from app import printing
from app.core.rows import Check, Verification
from engine.contract.results import Difference, Estimate, Interval

METHOD = "clustered analytic, logit"
FULL = Estimate(value=0.8423, interval=Interval(low=0.7811, high=0.8874, method=METHOD), positive_records=27)
NO_INTERVAL = Estimate(value=0.6, not_estimable="one positive patient")
UNDEFINED = Estimate(not_estimable="no positive recording")


def test_an_estimate_stands_with_its_interval():
    assert printing.estimate(FULL) == "0.842 (0.781 to 0.887)"


def test_a_difference_shows_its_sign_at_every_bound():
    value = Estimate(value=0.02, interval=Interval(low=-0.04, high=0.08, method=METHOD))
    assert printing.estimate(value, signed=True) == "+0.020 (-0.040 to +0.080)"


def test_a_missing_interval_says_why():
    assert printing.estimate(NO_INTERVAL) == "0.600 (no interval: one positive patient)"
    assert (
        printing.estimate(Estimate(value=0.5, not_estimable="no interval: one seed")) == "0.500 (no interval: one seed)"
    )


def test_an_undefined_number_says_why_and_shows_none():
    assert printing.estimate(UNDEFINED) == "not estimable: no positive recording"


def test_columns_align_and_no_line_ends_in_blanks():
    text = printing.table(("Name", "n"), [("a", 5), ("longer name", 1234)], right=("n",))
    assert text.splitlines() == ["Name            n", "a               5", "longer name  1234"]
    assert not any(line.endswith(" ") for line in printing.table(("A", "B"), [("x", ""), ("y", "z")]).splitlines())


def test_a_table_without_rows_is_its_headers():
    assert printing.table(("A", "B"), []) == "A  B"


def test_an_option_is_never_broken_over_two_lines():
    words = [f"say --against COHORT {'x' * length}" for length in range(1, 80)]
    lines = printing.paragraph(" ".join(words), "  ").splitlines()
    assert not any(line.endswith("-") for line in lines)
    assert all(line.startswith("  ") for line in lines)


def test_a_paired_difference_says_which_minus_which():
    text = printing.differences([Difference(model="a", reference="b", label="macro", estimate=FULL)])
    assert "a minus b" in text


def test_rows_and_models_become_json():
    told = json.loads(printing.as_json(Verification("a.pdf", (Check("hash", True, "matches"),))))
    assert told == {"file": "a.pdf", "checks": [{"what": "hash", "ok": True, "found": "matches"}]}
    assert json.loads(printing.as_json({"macro": FULL}))["macro"]["interval"]["method"] == METHOD
    assert json.loads(printing.as_json([Path("a"), ("b", None)])) == ["a", ["b", None]]


def test_a_name_with_line_breaks_or_terminal_commands_stays_one_harmless_line() -> None:
    printed = printing.table(("File", "Status"), [("a\x1b[31m\nb\u202e.hea", "imported"), ("Größe.hea", "refused")])
    assert len(printed.splitlines()) == 3
    assert "a\\x1b[31m\\nb\\u202e.hea  imported" in printed
    assert "Größe.hea" in printed
    assert "\x1b" not in printing.fields([("Patient", "p\x1b[2J")])
