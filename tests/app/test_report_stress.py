"""Figures of a stress bench: where the ring of the breaking point stands, forests, grids, and what no number gives."""

import csv
import io
import re

import pytest

from app.report.curve_plot import CurvePlot, Plane, Series
from app.report.forest import ForestAxis, ForestPlot, ForestRow, _limits
from app.report.grid import Grid
from app.report.stress_figures import figures
from app.report.svg import svg_text
from engine.contract.results import Estimate, Interval
from engine.contract.stress import BreakingPoint, LabelStress, StressLevel, StressResults, StressSweep


def estimate(value, reach=0.05, why=""):
    if value is None:
        return Estimate(not_estimable=why)
    return Estimate(value=value, interval=Interval(low=value - reach, high=value + reach, method="x"))


def level(severity, change):
    label = LabelStress(label="NORM", auroc=estimate(0.8), change=estimate(0.0))
    macro = estimate(None if change is None else 0.8 + change, why="too short")
    return StressLevel(severity=severity, macro=macro, change=estimate(change, why="too short"), labels=[label])


def sweep(title, changes, group="noise", unit="mV", broken=None):
    point = BreakingPoint(
        margin=0.05, broken=broken, low=None, high=None, confidence=0.95, unbroken_share=0, held=None, resamples=9
    )
    levels = [level(0.1 * 2**n, change) for n, change in enumerate(changes)]
    single = len(changes) == 1
    return StressSweep(
        name=title,
        group=group,
        title=title,
        unit="" if single else unit,
        levels=levels,
        breaking=None if single else point,
    )


def bench(*sweeps):
    return StressResults(
        model="demo CPC",
        model_sha256="0" * 64,
        mode="linear probe",
        clean=estimate(0.8),
        sweeps=list(sweeps),
        split_id="S",
        test_sha256="0" * 64,
        records=10,
        patients=10,
        seed=0,
        resamples=200,
        seconds=1,
    )


def svg(figure):
    return svg_text(figure.drawing, figure.title, figure.told)


def test_growing_faults_share_one_height_and_the_ring_stands_where_the_model_broke():
    told = figures(bench(sweep("Hum", [0, -0.02, -0.1], broken=0.4), sweep("Wander", [0, 0, -0.3])))
    assert [one.name for one in told] == ["stress-sweeps"]
    text = svg(told[0])
    assert text.count('r="3.20"') == 1
    for word in ("Hum", "Wander", "0.1", "0.2", "0.4"):
        assert f">{word}</text>" in text
    heights = re.findall(r'<text x="([-\d.]+)" y="([-\d.]+)"[^>]*>0\.5</text>', text)
    assert len({y for _, y in heights}) == 1


def test_the_numbers_of_each_figure_are_those_of_its_faults_and_of_the_recordings_as_they_are():
    told = figures(bench(sweep("Hum", [0, -0.1]), sweep("Lead I off", [-0.01])))
    rows = {one.name: list(csv.DictReader(io.StringIO(one.numbers))) for one in told}
    assert [row["fault"] for row in rows["stress-sweeps"]] == ["–", "Hum", "Hum"]
    assert [row["fault"] for row in rows["stress-faults"]] == ["–", "Lead I off"]
    assert float(rows["stress-sweeps"][2]["change"]) == -0.1
    assert float(rows["stress-sweeps"][0]["macro_auroc"]) == 0.8


def test_single_faults_stand_in_groups_with_what_they_cost():
    told = figures(bench(sweep("Lead I off", [-0.01], "leads"), sweep("RA and LA exchanged", [-0.096], "electrodes")))
    assert [one.name for one in told] == ["stress-faults"]
    words = "".join(re.findall(r">([^<]*)</text>", svg(told[0])))  # a minus may be of another font, and a text apart
    for word in ("Leads off", "Cables exchanged", "−0.096", "−0.146 to −0.046"):
        assert word in words


def test_what_could_not_be_judged_is_said_in_the_figure_and_leaves_no_point():
    text = svg(figures(bench(sweep("Shorter", [None], "recording")))[0])
    assert "not estimable: too short" in text
    assert "<circle" not in text
    gap = figures(bench(sweep("Shorter", [0.0, None, None])))[0]
    assert svg(gap).count('r="2.10"') == 1


def test_a_very_wide_interval_does_not_squeeze_the_others_and_ends_in_an_arrow():
    wide = Estimate(value=0.0, interval=Interval(low=-9.0, high=9.0, method="x"))
    rows = [estimate(0.01 * n, 0.02) for n in range(5)]
    low, high = _limits(0.0, [*rows, wide])
    assert -0.5 < low < 0
    assert 0 < high < 0.5
    axis = ForestAxis("t", "u", 0.0, signed=True)
    plain = svg_text(ForestPlot(axis, [ForestRow("a", row) for row in rows]), "", "")
    with_wide = svg_text(ForestPlot(axis, [*(ForestRow("a", row) for row in rows), ForestRow("b", wide)]), "", "")
    assert with_wide.count("<line") - plain.count("<line") >= 5  # the row's line and two arrow heads


def test_a_number_without_an_interval_says_so():
    axis = ForestAxis("t", "u", 0.5)
    text = svg_text(ForestPlot(axis, [ForestRow("a", Estimate(value=0.7, not_estimable="one patient"))]), "", "")
    assert ">no interval</text>" in text
    assert ">0.700</text>" in text


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (3, 1), (4, 2), (7, 3)])
def test_a_grid_has_as_many_rows_as_it_needs(count, rows):
    plane, line = Plane("t", "x", "y"), Series("a", [(0, 0), (1, 1)], 0)
    plots = [CurvePlot(plane, [line], width=Grid.cell_width(3), height=100, keyed=False) for _ in range(count)]
    grid = Grid(plots, 3)
    assert grid.height == 100 * rows + Grid.GAP * (rows - 1)
    assert svg_text(grid, "", "").count(">t</text>") == count
