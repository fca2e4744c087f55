import csv
import io

import pytest
from fake_workspace import LABELS, MODELS, FakeWorkspace, comparison, estimate, evaluation, similarity
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QGuiApplication
from window_cases import settle, shown

from app.core.changes import Changes
from app.ui.compare_loading import evaluation_jobs
from app.ui.compare_page import ComparePage
from app.ui.compare_views import comparison_csv, matches, pair_text
from app.ui.heat_map import HeatMap, ramp_colour, readable_on, spoken
from app.ui.interval_table import (
    METHOD,
    Axis,
    IntervalRow,
    axis_for,
    estimate_text,
    method_short,
    shown_ticks,
    value_text,
)
from app.ui.signs import MARKERS
from app.ui.theme import load_theme
from engine.contract.results import CKA, Estimate


@pytest.fixture
def workspace() -> FakeWorkspace:
    return FakeWorkspace()


@pytest.fixture
def page(qtbot, workspace, background) -> ComparePage:
    return shown(qtbot, ComparePage(workspace, background), background)


def luminance(colour: QColor) -> float:
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: QColor, b: QColor) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_estimate_of_every_model_stands_in_the_table_macro_first(page):
    rows = page.evaluations.table.rows.rows
    assert [row.group for row in rows[:3]] == ["macro"] * 3
    assert len(rows) == len(MODELS) * (1 + len(LABELS))
    assert [row.model for row in rows[:3]] == list(MODELS)


def test_a_model_keeps_its_colour_and_marker_in_all_views(page):
    of_evaluations = {row.model: row.series for row in page.evaluations.table.rows.rows}
    of_differences = {row.model: row.series for row in page.differences.table.rows.rows}
    assert of_differences == {model: of_evaluations[model] for model in of_differences}
    assert len(set(of_evaluations.values())) == len(MODELS) <= len(MARKERS)


def test_the_method_of_every_interval_is_named(page):
    model = page.evaluations.table.rows
    named = {model.index(row, METHOD).data() for row in range(model.rowCount())}
    assert named == {"bootstrap", "analytic, clustered"}
    assert "Obuchowski" in model.index(0, METHOD).data(Qt.ItemDataRole.ToolTipRole)


def test_the_chosen_row_tells_both_intervals_and_the_counts(page):
    page.evaluations.table.selectRow(3)
    told = page.evaluations.detail.text()
    assert "reported: patient-clustered bootstrap" in told
    assert "beside it: patient-clustered analytic variance" in told
    assert "52 patients with the label, 88 without" in told


def test_the_first_map_shown_is_of_two_models_and_its_warning_is_told(page):
    assert page.similarity.pairs.currentItem().text() == "random S4 and demo"
    assert page.similarity.warning.text().startswith("140 records are few")
    page.similarity.pairs.setCurrentRow(0)
    assert page.similarity.warning.text() == ""


def test_a_comparison_finds_its_evaluations_from_its_config(workspace):
    assert evaluation_jobs(workspace, "J0007") == ["J0003", "J0004", "J0005"]


def test_without_a_comparison_the_page_says_how_to_get_one(qtbot, background):
    shown = ComparePage(FakeWorkspace(jobs=[]), background)
    qtbot.addWidget(shown)
    shown.refresh(Changes.ALL)
    settle(qtbot, background)
    assert shown.stack.currentIndex() == 1
    assert shown.export_csv() is None


def test_a_refresh_does_not_load_the_shown_comparison_again(qtbot, page, workspace, background, monkeypatch):
    def fail(job_id: str) -> None:
        raise AssertionError(job_id)

    monkeypatch.setattr(workspace, "results", fail)
    page.refresh(Changes.JOBS)
    settle(qtbot, background)
    assert page.shown.job.job_id == "J0007"


def test_the_csv_holds_every_number_at_full_precision():
    results = comparison()
    lines = list(csv.DictReader(io.StringIO(comparison_csv([evaluation(name) for name in MODELS], results))))
    assert len(lines) == 3 * 5 + 2 * 5
    first = evaluation("random S4").macro
    assert float(lines[0]["value"]) == first.value
    assert float(lines[0]["low"]) == first.interval.low
    assert lines[0]["method"] == first.interval.method
    assert lines[-1]["model"] == "random S4"
    assert lines[-1]["reference"] == "age + sex"


def test_an_estimate_without_a_value_leaves_its_cells_empty_and_tells_the_reason():
    bare = evaluation("demo").model_copy(update={"macro": Estimate(not_estimable="one class only"), "labels": []})
    line = next(csv.DictReader(io.StringIO(comparison_csv([bare], comparison()))))
    assert (line["value"], line["low"], line["not_estimable"]) == ("", "", "one class only")


def test_the_csv_is_written_whole_and_a_place_that_cannot_be_written_is_told(qtbot, page, background, tmp_path):
    page.write_csv(str(tmp_path / "numbers.csv"))
    settle(qtbot, background)
    assert (tmp_path / "numbers.csv").read_text().startswith("quantity,label,model")
    with qtbot.waitSignal(background.failed) as told:
        page.write_csv(str(tmp_path / "missing" / "numbers.csv"))
    assert "cannot be written" in str(told.args[0])


def test_copying_puts_all_estimates_on_the_clipboard(page):
    page.copy_table()
    assert len(QGuiApplication.clipboard().text().splitlines()) == 1 + 25


def test_selected_rows_are_copied_with_their_header(qtbot, page):
    page.evaluations.table.selectRow(1)
    qtbot.keyClick(page.evaluations.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].split("\t") == ["Label", "Model", "AUROC", "95 % interval", "Method", "Patients"]
    assert lines[1].split("\t")[:2] == ["macro", "demo"]
    assert len(lines) == 2


def test_the_axis_of_auroc_reaches_from_chance_or_lower_to_one():
    assert axis_for([estimate(0.8, 0.05)], signed=False).low == 0.5
    assert axis_for([estimate(0.44, 0.05)], signed=False).low == 0.3
    assert axis_for([], signed=False).high == 1.0


def test_the_axis_of_differences_holds_zero_and_every_interval():
    gaps = [estimate(-0.19, 0.1, bounded=False), estimate(0.02, 0.03, bounded=False)]
    axis = axis_for(gaps, signed=True)
    assert axis.low <= -0.29
    assert axis.high >= 0.05
    assert 0.0 in axis.ticks


def test_a_value_stands_at_its_share_of_the_axis():
    axis, rect = Axis(0.5, 1.0, (0.5, 1.0), 0.5), QRect(100, 0, 228, 20)
    assert axis.place(0.5, rect) == 114
    assert axis.place(1.0, rect) == 314
    assert axis.place(0.75, rect) == 214


def test_a_narrow_axis_numbers_fewer_ticks_and_always_its_level():
    axis = Axis(-0.3, 0.2, (-0.3, -0.2, -0.1, 0.0, 0.1, 0.2), 0.0)
    assert shown_ticks(axis, 400, 40) == list(axis.ticks)
    assert shown_ticks(axis, 160, 40) == [-0.2, 0.0, 0.2]


@pytest.mark.parametrize(
    ("method", "short"),
    [
        ("patient-clustered bootstrap, 2,000 resamples, logit percentile", "bootstrap"),
        ("patient-clustered analytic variance (Obuchowski 1997), logit", "analytic, clustered"),
        ("DeLong variance summed over labels, logit, t", "analytic, DeLong"),
    ],
)
def test_methods_are_shortened_to_their_family(method, short):
    assert method_short(method) == short


def test_a_difference_that_rounds_to_zero_has_no_sign():
    assert value_text(-0.0002, signed=True) == "0.000"
    assert value_text(-0.0206, signed=True) == "\N{MINUS SIGN}0.021"
    assert value_text(None) == "n/e"


def test_a_number_that_is_not_estimable_tells_why():
    row = IntervalRow("MI", "demo", 0, Estimate(not_estimable="no patient has the label", records=9, patients=9))
    assert "not estimable: no patient has the label" in estimate_text(row)


def test_the_most_similar_layer_is_found_and_undefined_cells_are_passed_over():
    cka = CKA(
        rows="a",
        columns="b",
        row_layers=["x", "y"],
        column_layers=["p", "q"],
        values=[[0.2, 0.7], [None, None]],
        records=9,
    )
    assert [(match.layer, match.other, match.value) for match in matches(cka)] == [("x", "q", 0.7)]
    assert pair_text(cka) == "a and b"


@pytest.mark.parametrize("name", ["light", "dark"])
def test_every_cell_of_the_map_can_be_read_on_its_colour(name):
    ramp = load_theme(name).ramp
    for value in (x / 20 for x in range(-1, 22)):
        colour = ramp_colour(ramp, value)
        assert contrast(readable_on(colour), colour) >= 4.5


def test_the_ramp_gets_steadily_darker_or_lighter():
    for name in ("light", "dark"):
        steps = [luminance(ramp_colour(load_theme(name).ramp, x / 20)) for x in range(21)]
        assert steps in (sorted(steps), sorted(steps, reverse=True))


def test_the_map_paints_each_cell_in_the_colour_of_its_value(qtbot):
    theme = load_theme("light")
    heat = HeatMap(theme)
    qtbot.addWidget(heat)
    heat.resize(620, 520)
    cka = similarity("random S4", "demo")
    heat.show_cka(cka)
    image = heat.grab().toImage()
    rect = heat.cell_rect(1, 2)
    painted = image.pixelColor(round(rect.left()) + 3, round(rect.top()) + 3)
    assert painted == ramp_colour(theme.ramp, cka.values[1][2])


def test_the_map_is_told_in_words_for_those_who_cannot_see_it():
    told = spoken(similarity("random S4", "demo"))
    assert told.startswith("random S4 stem, demo stem: 0.860")
    assert told.count(";") == 24


def test_the_words_on_a_difference_say_what_is_subtracted():
    row = IntervalRow("macro", "age + sex", 0, Estimate(value=0.0371, records=9, patients=9))
    assert estimate_text(row, signed=True).startswith("macro, minus age + sex: +0.037")


def test_files_and_the_clipboard_keep_the_hyphen_as_minus(page):
    assert "\N{MINUS SIGN}" not in page.differences.table.rows.as_text(",")


def test_without_a_comparison_there_is_nothing_to_copy_or_export(qtbot, background):
    page = ComparePage(FakeWorkspace(jobs=[]), background)
    qtbot.addWidget(page)
    page.refresh(Changes.ALL)
    settle(qtbot, background)
    assert not page.copy_button.isEnabled()
    assert not page.export_button.isEnabled()
