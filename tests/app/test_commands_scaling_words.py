"""Ranks, similarity of layers, laws and data budgets as the command line tells them."""

import json

import numpy as np
import pytest

from app import cli
from app.commands.inside_words import ranking_words, similarity_words, spread_words
from app.commands.scaling_words import associations_words, budgets_words, fits_words
from app.core import studies
from engine.contract.errors import EXIT_DONE, EXIT_USAGE
from engine.contract.results import StudyRow
from engine.metrics.association import association
from engine.metrics.cka import Patients, similarity
from engine.metrics.data_budget import data_budget
from engine.metrics.embedding_spread import embedding_spread
from engine.metrics.ranking import Task, rank_models
from engine.metrics.scaling_law import Observations, fits
from engine.metrics.uncertainty import draw_multiplicities

SIZES = np.repeat([100.0, 1000, 10_000, 100_000], 3)
ERRORS = 1.5 * SIZES**-0.2 + np.random.default_rng(0).normal(0, 5e-4, 12)


def test_ranks_are_told_best_first_with_what_was_left_out():
    rng = np.random.default_rng(0)
    score_M = np.array([0.7, 0.9])
    tasks = [
        Task("AF", "labels", score_M, score_M[:, None] + 0.01 * rng.standard_normal((2, 50))),
        Task("RARE", "labels", np.full(2, np.nan), np.full((2, 50), np.nan)),
    ]
    said = " ".join(ranking_words(rank_models(["old", "new"], tasks)).split())
    assert said.index("new 1 (1 to 1)") < said.index("old 2 (2 to 2)")
    assert "over 1 task" in said
    assert "RARE" in said
    assert "nan" not in said.lower()


def test_layers_of_one_name_are_told_with_their_band_and_those_of_one_model_with_its_last():
    rng = np.random.default_rng(1)
    layers = {name: rng.standard_normal((40, 3)) for name in ("stem", "block1")}
    patients = Patients(np.arange(40), draw_multiplicities(40, 100, 0))
    own, other = (similarity(names, layers, layers, patients) for names in (("a", "a"), ("a", "b")))
    said = similarity_words([own, other])
    assert "a stem    a block1" in said
    assert "b stem    1.000 (1.000 to 1.000)" in said
    assert "chance gives as much" in said
    bare = similarity_words([similarity(("a", "b"), {"stem": np.ones((5, 2))}, {"stem": layers["stem"][:5]})])
    assert "undefined" in bare


def test_the_spread_of_embeddings_is_told_with_its_intervals():
    x = np.random.default_rng(2).standard_normal((90, 4))
    code = np.repeat(np.arange(45), 2)
    said = spread_words([embedding_spread("net", "block4", x, code, draw_multiplicities(45, 100, 0))])
    assert "net block4" in said
    assert "of 4" in said


def test_laws_tell_their_exponent_and_whether_they_foretell_the_largest_size():
    said = fits_words(fits("s4", "validation_loss", SIZES, ERRORS))
    assert "N^-0." in said
    assert ", holds" in said


def test_budgets_tell_what_more_data_buys_and_why():
    said = budgets_words([data_budget("s4", "loss", Observations.of(SIZES, ERRORS), worth=1e-4)])
    assert "2 times (200,000)" in said
    assert "worth it: both laws foretell" in said
    unasked = budgets_words([data_budget("s4", "loss", Observations.of(SIZES, ERRORS))])
    assert "not asked" in unasked


def test_associations_tell_both_correlations():
    assert "0.9" in associations_words([association("cpc", "loss", "error", [1, 2, 3, 5], [1, 2.5, 2.9, 5.5])])


@pytest.fixture
def ward(tmp_path, monkeypatch):
    """A workspace whose study J0001 tried these sizes."""
    assert cli.main(["init", str(tmp_path / "ward")]) == EXIT_DONE

    def tried(count):
        found = [
            StudyRow(
                number=n,
                name="run",
                values={"records": int(size), "seed": n % 3},
                state="done",
                metrics={"records": size, "validation_loss": float(value)},
            )
            for n, (size, value) in enumerate(zip(SIZES[:count], ERRORS, strict=False))
        ]
        monkeypatch.setattr(studies, "rows", lambda session, job_id: found)
        return str(tmp_path / "ward")

    return tried


def test_a_budget_is_asked_for_with_the_least_gain_that_is_worth_the_data(ward, capsys):
    place = ward(12)
    capsys.readouterr()
    assert (
        cli.main(["study", "budget", "J0001", "--worth", "0.0001", "--times", "3", "-w", place, "--json"]) == EXIT_DONE
    )
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["series"], told["metric"], told["worth"]) == ("all runs", "validation_loss", 0.0001)
    assert [one["times"] for one in told["forecasts"]] == [3]
    assert cli.main(["study", "budget", "J0001", "--worth", "5", "-w", place]) == EXIT_DONE
    assert "not worth it: both laws foretell a gain below 5" in capsys.readouterr().out


@pytest.mark.parametrize(("worth", "times", "count"), [("0", "2", 12), ("0.1", "1", 12), ("0.1", "2", 6)])
def test_a_budget_without_a_gain_or_with_too_few_sizes_is_refused(ward, capsys, worth, times, count):
    place = ward(count)
    assert cli.main(["study", "budget", "J0001", "--worth", worth, "--times", times, "-w", place]) == EXIT_USAGE
    assert "too few sizes" in (said := capsys.readouterr().err) or "--worth is above 0" in said
