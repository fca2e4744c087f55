"""Figures of several models: what stands in each plane, where chance and thresholds are, and the numbers behind it."""

import csv
import io

import pytest
from compared_cases import CURVE, ORDER, compared, costs, few_labels, measured, ranked, rich
from fake_workspace import LABELS, MODELS, evaluation, similarity

from app.report import compared_costs, compared_curves, compared_forests, compared_layers
from app.report.figure_numbers import cells, csv_text, slug
from app.report.rank_map import ranks_by_task
from app.report.svg import svg_text
from engine.contract.calibration import RiskDistribution
from engine.contract.results import Estimate


@pytest.fixture(scope="module")
def evaluations():
    return [rich(model) for model in MODELS]


def lines(figure):
    return list(csv.DictReader(io.StringIO(figure.numbers)))


def test_roc_begins_at_nobody_ends_at_everybody_and_rings_the_chosen_threshold(evaluations):
    figure = compared_curves.roc_of_models(evaluations, "MI", ORDER)
    series = figure.drawing.series
    assert [one.name for one in series] == list(MODELS)
    assert series[0].points[0] == (0.0, 0.0)
    assert series[0].points[-1] == (1.0, 1.0)
    assert series[0].chosen == [(5 / 90, 0.6)]
    assert [float(line["sensitivity"]) for line in lines(figure)[:3]] == [0.0, 0.6, 1.0]
    assert [float(line["threshold"]) for line in lines(figure)[:3]] == CURVE.thresholds


def test_chance_of_precision_is_the_prevalence_and_nobody_called_positive_has_none(evaluations):
    figure = compared_curves.precision_of_models(evaluations, "MI", ORDER)
    assert figure.drawing.plane.guides == [((0.0, 0.1), (1.0, 0.1))]
    assert figure.drawing.series[0].points == [(0.6, 6 / 11), (1.0, 0.2)]
    assert "0.100" in figure.told


def test_bands_are_drawn_for_two_models_and_left_to_the_numbers_for_more(evaluations):
    for draw in (compared_curves.calibration_of_models, compared_curves.net_benefit_of_models):
        two, three = draw(evaluations[:2], "MI", ORDER), draw(evaluations, "MI", ORDER)
        assert all(one.band for one in two.drawing.series[:2])
        assert not any(one.band for one in three.drawing.series)
        assert "left out" in three.told
        assert all(line["low"] and line["high"] for line in lines(three))


def with_risks(model, curve=True):
    told = rich(model)
    risks = RiskDistribution(with_label=[0, 1, 5, 2], without_label=[60, 20, 7, 0])
    more = {"risks": risks} if curve else {"risks": risks, "curve": [], "curve_method": "too few probabilities"}
    labels = [one.model_copy(update={"calibration": one.calibration.model_copy(update=more)}) for one in told.labels]
    return told.model_copy(update={"labels": labels})


def test_risks_stand_below_the_calibration_curve_and_in_its_numbers():
    figure = compared_curves.calibration_of_models([with_risks("demo")], "MI", ORDER)
    (counts,) = figure.drawing.counts
    assert (counts.positives, counts.negatives, counts.series) == ([0, 1, 5, 2], [60, 20, 7, 0], None)
    bins = [line for line in lines(figure) if line["row"] == "risks"]
    assert [(line["from"], line["to"], line["with_label"], line["without_label"]) for line in bins[:2]] == [
        ("0.0", "0.25", "0", "60"),
        ("0.25", "0.5", "1", "20"),
    ]
    assert "with the label, at most 5 a bar" in svg_text(figure.drawing, figure.title, figure.told)
    assert "a fold that had not seen the patient" in figure.told


def test_calibration_without_a_curve_shows_the_risks_and_says_why():
    figure = compared_curves.calibration_of_models([with_risks("demo", curve=False)], "MI", ORDER)
    assert figure.drawing.series[0].told == "no curve"
    assert "No curve of demo: too few probabilities." in figure.told
    assert {line["row"] for line in lines(figure)} == {"risks"}


def test_each_model_has_risks_of_its_colour_and_too_many_leave_them_to_the_numbers():
    three = compared_curves.calibration_of_models([with_risks(model) for model in MODELS], "MI", ORDER)
    assert [one.series for one in three.drawing.counts] == [0, 1, 2]
    names = [f"model {number}" for number in range(5)]
    told = [with_risks("demo").model_copy(update={"model": name}) for name in names]
    five = compared_curves.calibration_of_models(told, "MI", {name: place for place, name in enumerate(names)})
    assert list(five.drawing.counts) == []
    assert "left out; the numbers hold them" in five.told
    assert sum(line["row"] == "risks" for line in lines(five)) == 20


def test_results_without_risks_show_the_curve_alone(evaluations):
    figure = compared_curves.calibration_of_models(evaluations[:1], "MI", ORDER)
    assert list(figure.drawing.counts) == []
    assert "strip" not in figure.told


def test_a_decision_curve_stands_beside_treating_all_and_none(evaluations):
    figure = compared_curves.net_benefit_of_models(evaluations, "MI", ORDER)
    assert [one.name for one in figure.drawing.series[-2:]] == ["treat all", "treat none"]
    assert figure.drawing.series[-2].points[0] == (0.05, pytest.approx(0.05))
    assert figure.drawing.plane.x == (0.05, 0.5)


def test_few_labels_are_drawn_with_their_law_as_far_as_they_were_tried(evaluations):
    figure = compared_curves.few_labels_of_models(evaluations[:1], ORDER)
    (series,) = figure.drawing.series
    fit = few_labels().fit
    assert [x for x, _ in series.points] == [25.0, 50.0, 100.0]
    assert series.law[0] == (25.0, pytest.approx(1 - (fit.a * 25**-fit.b + fit.c)))
    assert series.law[-1][0] == pytest.approx(100.0)
    assert lines(figure)[0]["repeats"].count("0.65") == 5


@pytest.mark.parametrize(
    "draw",
    [
        compared_curves.roc_of_models,
        compared_curves.precision_of_models,
        compared_curves.calibration_of_models,
        compared_curves.net_benefit_of_models,
    ],
)
def test_an_evaluation_without_curves_and_an_unknown_label_have_no_figure(draw, evaluations):
    assert draw([evaluation("demo")], "MI", ORDER) is None
    assert draw(evaluations, "unknown", ORDER) is None


def test_the_forest_has_every_number_macro_first(evaluations):
    figure = compared_forests.auroc_forest(evaluations, ORDER)
    rows = figure.drawing.rows
    assert len(rows) == len(MODELS) * (1 + len(LABELS))
    assert [row.group for row in rows[:3]] == ["Macro average"] * 3
    assert float(lines(figure)[0]["value"]) == evaluations[0].macro.value


def test_differences_say_what_is_subtracted():
    figure = compared_forests.difference_forest(compared(), ORDER)
    assert figure.drawing.rows[0].group == "Macro average"
    assert "AUROC of 'random S4' minus that of the model in the row" in figure.told
    assert "by a margin of 0.05: non-inferior to demo; non-inferior to age + sex" in figure.told
    first = lines(figure)[0]
    assert (first["p_value"], first["adjusted_p"], first["correction"]) == ("0.02", "0.0004", "Holm")


def test_differences_of_another_measure_are_a_figure_of_their_own():
    figure = compared_forests.difference_forest(compared(), ORDER, "Brier")
    assert figure.name == "differences-brier"
    assert [row.name for row in figure.drawing.rows] == ["demo", "age + sex"]
    assert "margin" not in figure.told
    assert compared_forests.difference_forest(compared(), ORDER, "sensitivity") is None


def test_a_group_of_too_few_says_so_and_a_shown_gap_is_named(evaluations):
    figure = compared_forests.subgroups_of_models(evaluations[:1], "MI", "sex", ORDER)
    assert [row.group for row in figure.drawing.rows] == ["everybody", "female", "male"]
    assert "random S4 does worse in female than in everybody else" in figure.told
    assert lines(figure)[-1]["not_estimable"] == "3 patients with the label, 10 are needed"
    assert compared_forests.subgroups_of_models(evaluations, "MI", "device", ORDER) is None


def test_ranks_stand_best_first_and_no_common_task_gives_none():
    figure = compared_forests.ranking_of_models(ranked(), ORDER)
    assert [row.name for row in figure.drawing.rows] == list(reversed(MODELS))
    assert "over 4 tasks" in figure.told
    assert compared_forests.ranking_of_models(ranked().model_copy(update={"overall": None}), ORDER) is None


def test_ranks_by_task_print_every_rank_and_a_dash_where_a_score_is_undefined():
    ranking = ranked()
    without = ranking.tasks[0].models[0].model_copy(update={"score": None, "rank": None})
    first = ranking.tasks[0].model_copy(update={"models": [without, *ranking.tasks[0].models[1:]], "counted": False})
    figure = ranks_by_task(ranking.model_copy(update={"tasks": [first, *ranking.tasks[1:]]}))
    svg = svg_text(figure.drawing, figure.title, figure.told)
    assert svg.count(">1</text>") == len(LABELS) * len(MODELS) - 1
    assert svg.count(">–</text>") == 1
    assert ">(NORM)</text>" in svg
    assert len(lines(figure)) == len(LABELS) * len(MODELS)
    assert ranks_by_task(ranking.model_copy(update={"tasks": []})) is None


def test_errors_of_measured_numbers_stand_by_number_the_mean_first(evaluations):
    found = [measured(model, 0.3 + 0.1 * n) for n, model in enumerate(MODELS)]
    figure = compared_forests.error_forest(found, ORDER)
    assert [row.group for row in figure.drawing.rows] == ["Mean over numbers"] * 3 + ["QTc (ms)"] * 3
    assert [float(line["value"]) for line in lines(figure)[:3]] == [0.3, 0.4, 0.5]
    assert compared_forests.error_forest(evaluations, ORDER) is None


def test_the_map_of_layers_has_a_line_of_numbers_for_every_cell():
    figure = compared_layers.cka_map(similarity("random S4", "demo"))
    assert len(lines(figure)) == 25
    assert "Careful: 140 records are few" in figure.told


def test_the_profile_holds_layers_of_one_name_against_each_other():
    maps = [similarity("random S4", "random S4"), similarity("random S4", "demo")]
    figure = compared_layers.layer_profile(maps, ORDER)
    (series,) = figure.drawing.series
    assert [value for _, value in series.points] == [maps[1].values[n][n] for n in range(5)]
    assert figure.drawing.plane.words(2.0) == "block2"
    assert compared_layers.layer_profile(maps[:1], ORDER) is None


def test_cost_is_drawn_for_whoever_was_measured_and_the_others_are_named(evaluations):
    measured = {"demo": costs("demo", 2_000_000), "random S4": costs("random S4", 2_000_000)}
    figure = compared_costs.cost_of_models(evaluations, measured, ORDER, "parameters")
    places = [one.points[0][0] for one in figure.drawing.series]
    assert len(set(places)) == 2  # models of one size stand beside each other
    assert {float(line["parameters"]) for line in lines(figure)} == {2e6}
    assert "Not measured: age + sex" in figure.told


def test_a_cost_that_nobody_was_measured_for_has_no_figure(evaluations):
    assert compared_costs.cost_of_models(evaluations, {"demo": costs("demo", 9, None)}, ORDER, "latency") is None
    assert compared_costs.cost_of_models(evaluations, {}, ORDER, "parameters") is None


def test_every_figure_can_be_written_as_svg(evaluations):
    measured = {name: costs(name, 10**n) for n, name in enumerate(MODELS, 3)}
    every = [
        *(
            draw(evaluations, "MI", ORDER)
            for draw in (compared_curves.roc_of_models, compared_curves.precision_of_models)
        ),
        compared_curves.calibration_of_models(evaluations, "MI", ORDER),
        compared_curves.net_benefit_of_models(evaluations, "MI", ORDER),
        compared_curves.few_labels_of_models(evaluations, ORDER),
        compared_forests.auroc_forest(evaluations, ORDER),
        *(compared_costs.cost_of_models(evaluations, measured, ORDER, one.name) for one in compared_costs.COSTS[:3]),
    ]
    for figure in every:
        assert svg_text(figure.drawing, figure.title, figure.told).count("<text") > 10


def test_blanks_at_the_ends_of_a_piece_of_text_are_kept(evaluations):
    figure = compared_curves.roc_of_models(evaluations, "MI", ORDER)
    assert 'xml:space="preserve"> specificity</text>' in svg_text(figure.drawing, "", "")


def test_names_of_files_are_plain_and_undefined_numbers_leave_their_cells_empty():
    assert slug("MI / old: 'x'") == "mi-old-x"
    assert slug("Ж") == "unnamed"
    assert csv_text(("a", "b"), [(None, 0.1)]) == "a,b\n,0.1\n"
    assert cells(Estimate(not_estimable="one class"))[-1] == "one class"
