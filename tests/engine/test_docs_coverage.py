"""The page on coverage says what its file of simulations says, and hides no interval that fails."""

import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def page():
    sys.path.insert(0, str(DOCS))
    try:
        import coverage_table
    finally:
        sys.path.remove(str(DOCS))
    return coverage_table


def test_the_tables_are_those_of_the_file(page):
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.filled(text, page.tables(page.read())) == text
    assert text.count("<!-- table: ") == len(page.tables(page.read()))


def test_every_cell_rests_on_two_thousand_simulated_tests(page):
    assert min(int(line["simulations"]) for line in page.read()) >= 2000


def test_every_reported_interval_that_holds_the_truth_in_less_than_93_per_cent_is_a_known_one(page):
    told = [line for line in page.read() if line["interval"] == "reported"]
    low = [line for line in told if float(line["held"]) < page.LOW]
    assert {line["study"] for line in low} <= {"numbers", "laws", "fits", "probabilities", "repeats"}
    known = {"MAE", "floor", "ICI", "E50", "E90", "net benefit over the default"}
    known.add("macro AUROC with 25% of the labelled patients")
    assert {line["statistic"] for line in low} <= known
