"""The figures of the Compare page: what each tab draws, what it says instead, and reading a point of a curve."""

import csv
import io
from dataclasses import replace

import pytest
from compared_cases import compared, costs, measured, rich
from fake_workspace import MODELS, FakeWorkspace, evaluation, job
from PySide6.QtCore import Qt
from test_report_stress import bench, sweep
from window_cases import settle, shown

from app.ui.compare_loading import efficiencies, load_comparison, stress_benches
from app.ui.compare_page import FIGURES, NUMBERS, ComparePage
from app.ui.interval_table import P_VALUE, p_text
from app.ui.theme import load_theme


@pytest.fixture
def workspace() -> FakeWorkspace:
    made = FakeWorkspace()
    made.answers |= {f"J000{n}": rich(model) for n, model in enumerate(MODELS, 3)}
    made.answers["J0007"] = compared()
    for n, model in enumerate(MODELS[:2]):
        made.rows[f"J002{n}"] = job(f"J002{n}", "efficiency", model, "done", finished=f"2026-11-22T10:0{n}:00Z")
        made.answers[f"J002{n}"] = costs(model, 10 ** (5 + n))
    return made


@pytest.fixture
def page(qtbot, workspace, background) -> ComparePage:
    return shown(qtbot, ComparePage(workspace, background), background)


def figure_of(qtbot, page, background, tab: str, kind: int = 0):
    """The tab on the screen, with the figure that it draws."""
    place = list(FIGURES).index(tab)
    page.tabs.setCurrentIndex(place)
    view = page.figures[tab]
    if view is not page.tabs.widget(place):
        page.tabs.widget(place).switches.button(1).click()
    view.kind.setCurrentIndex(kind)
    settle(qtbot, background)
    return view


@pytest.mark.parametrize(
    ("tab", "kind", "name"),
    [
        ("AUROC", 0, "auroc"),
        ("Paired differences", 0, "differences"),
        ("Curves", 0, "roc-norm"),
        ("Curves", 1, "precision-recall-norm"),
        ("Curves", 2, "calibration-norm"),
        ("Curves", 3, "decision-curve-norm"),
        ("Subgroups", 0, "subgroups-norm-sex"),
        ("Ranking", 0, "ranking"),
        ("Ranking", 1, "ranks-by-task"),
        ("Layers (CKA)", 0, "cka-random-s4-demo"),
        ("Layers (CKA)", 1, "layer-profile"),
        ("Few labels", 0, "few-labels"),
        ("Cost", 0, "cost-parameters"),
    ],
)
def test_each_tab_draws_its_figure_and_offers_its_files(qtbot, page, background, tab, kind, name):
    view = figure_of(qtbot, page, background, tab, kind)
    assert view.view.figure.name == name
    assert all(one.isVisible() for one in view.view.files.buttons.values())


def test_a_figure_follows_the_label_that_is_chosen(qtbot, page, background):
    view = figure_of(qtbot, page, background, "Curves")
    view.choice.setCurrentIndex(1)
    settle(qtbot, background)
    assert view.view.figure.name == "roc-mi"


def test_without_a_stress_bench_the_tab_says_what_to_run(qtbot, page, background):
    view = figure_of(qtbot, page, background, "Stress")
    assert view.view.figure is None
    assert view.view.empty.isVisible()
    assert view.view.empty.sentence.text().startswith("Run a stress bench of each model")


def test_an_evaluation_of_an_older_version_has_no_curves_and_the_tab_says_so(qtbot, page, workspace, background):
    workspace.answers |= {f"J000{n}": evaluation(model) for n, model in enumerate(MODELS, 3)}
    page._load()
    settle(qtbot, background)
    view = figure_of(qtbot, page, background, "Curves")
    assert view.view.empty.heading.text() == "No ROC curve of this label"


def test_the_tab_of_measured_numbers_is_there_only_where_numbers_are_predicted(qtbot, page, workspace, background):
    place = list(FIGURES).index(NUMBERS)
    assert not page.tabs.isTabVisible(place)
    workspace.answers["J0004"] = measured("demo", 0.4)
    page._load()
    settle(qtbot, background)
    assert page.tabs.isTabVisible(place)
    assert figure_of(qtbot, page, background, NUMBERS).view.figure.name == "errors"
    assert "MAE,QTc,demo,,12.0," in page._csv(",")


def test_differences_tell_their_tests_and_each_measure_can_be_looked_at(qtbot, page, background):
    view = page.differences
    assert [view.measure.itemText(row) for row in range(view.measure.count())] == ["AUROC", "Brier"]
    model = view.table.rows
    assert [model.index(row, P_VALUE).data() for row in range(3)] == ["<0.001", "<0.001", "–"]
    view.table.selectRow(0)
    assert "p 0.020, <0.001 corrected (Holm), non-inferior by the margin" in view.detail.text()
    assert "A loss of less than 0.05 was said to be acceptable" in view.explanation.text()
    view.measure.setCurrentIndex(1)
    assert {row.group for row in model.rows} == {"MI"}
    assert "Less is better" in view.explanation.text()


def test_the_figure_of_differences_follows_the_measure(qtbot, page, background):
    view = figure_of(qtbot, page, background, "Paired differences")
    view.choice.setCurrentIndex(1)
    settle(qtbot, background)
    assert view.view.figure.name == "differences-brier"


def test_the_exported_table_holds_every_measure_with_its_tests(page):
    lines = list(csv.DictReader(io.StringIO(page._csv(","))))
    assert {line["quantity"] for line in lines} == {"AUROC", "AUPRC", "AUROC difference", "Brier difference"}
    first = next(line for line in lines if line["quantity"] == "AUROC difference")
    assert (first["adjusted_p"], first["verdict"]) == ("0.0004", "non-inferior")


@pytest.mark.parametrize(
    ("p", "told"), [(None, "–"), (0.0004, "<0.001"), (0.034, "0.034"), (0.412, "0.41"), (1.0, "1.00")]
)
def test_p_values_are_printed_as_journals_print_them(p, told):
    assert p_text(p) == told


def test_a_press_on_the_curve_tells_the_threshold_and_the_arrows_move_along_it(qtbot, page, background):
    view = figure_of(qtbot, page, background, "Curves")
    spot = view.view.sheet.spot_of(*view.view.figure.drawing.place(5 / 90, 0.6))
    qtbot.mouseClick(view.view.sheet, Qt.MouseButton.LeftButton, pos=spot)
    assert view.reading.text().startswith("random S4 at threshold 0.6: sensitivity 0.600, specificity 0.944")
    qtbot.keyClick(view.view.sheet, Qt.Key.Key_Right)
    assert "at threshold 0.2" in view.reading.text()
    qtbot.mouseClick(view.view.sheet, Qt.MouseButton.LeftButton, pos=view.view.sheet.rect().bottomRight())
    assert view.reading.text().startswith("Press a point of a curve")


def test_the_keyboard_alone_reads_a_curve(qtbot, page, background):
    view = figure_of(qtbot, page, background, "Curves", 1)
    assert view.view.sheet.focusPolicy() is Qt.FocusPolicy.StrongFocus
    qtbot.keyClick(view.view.sheet, Qt.Key.Key_Left)
    assert "at threshold 0.6" in view.reading.text()
    assert figure_of(qtbot, page, background, "Ranking").view.sheet.focusPolicy() is Qt.FocusPolicy.NoFocus


def test_no_curve_can_be_read_where_there_is_none(qtbot, page, background):
    view = figure_of(qtbot, page, background, "Curves", 2)
    assert not view.reading.isVisible()


def test_the_map_of_layers_leaves_as_figure_too_and_each_pair_can_be_chosen(qtbot, page, background):
    view = figure_of(qtbot, page, background, "Layers (CKA)")
    texts = [view.choice.itemText(row) for row in range(view.choice.count())]
    assert texts == ["random S4 and demo", "random S4 with itself"]


def test_figures_take_over_the_theme(qtbot, page, background):
    view = figure_of(qtbot, page, background, "Ranking")
    page.apply_theme(load_theme("light"))
    picture = view.view.sheet.grab().toImage()
    assert picture.pixelColor(1, 1).name().upper() == load_theme("light").panel


def test_costs_and_benches_belong_to_the_weights_that_were_compared(workspace):
    comparison_seen = load_comparison(workspace, "J0007")
    assert list(efficiencies(workspace, comparison_seen)) == list(MODELS)  # in this case all have the same weights
    other = costs("demo", 10).model_copy(update={"model_sha256": "0" * 64})
    workspace.answers |= {"J0020": other, "J0021": other}
    assert efficiencies(workspace, comparison_seen) == {}


def test_a_bench_on_other_recordings_is_not_held_against_the_comparison(workspace):
    seen = load_comparison(workspace, "J0007")
    found = bench(sweep("emg", [0.0, -0.1])).model_copy(update={"model_sha256": seen.evaluations[0].model_sha256})
    workspace.rows["J0030"] = job("J0030", "stress", "demo", "done")
    workspace.answers["J0030"] = found
    assert stress_benches(workspace, seen) == {}
    workspace.answers["J0030"] = found.model_copy(update={"test_sha256": seen.results.test_sha256})
    assert set(stress_benches(workspace, seen)) == set(MODELS)
    workspace.rows["J0030"] = replace(workspace.rows["J0030"], state="running")
    assert stress_benches(workspace, seen) == {}


def test_the_table_stands_first_and_the_switch_can_be_reached_by_keyboard(qtbot, page, background):
    both = page.tabs.widget(0)
    assert both.stack.currentWidget() is page.evaluations
    assert both.switches.button(1).accessibleName() == "AUROC as figure"
    qtbot.keyClick(both.switches.button(1), Qt.Key.Key_Space)
    assert both.stack.currentWidget() is page.figures["AUROC"]
