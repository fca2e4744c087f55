"""Several stress benches in one figure: who stands in which plot, where the marks of severities are, numbers."""

import csv
import io
import re

import pytest
from test_report_stress import bench, sweep

from app.report.compared_stress import stress_of_models
from app.report.svg import svg_text


def two_benches():
    mild, hard = [0.0, -0.02, -0.06], [-0.01, -0.05, -0.1]
    return {
        "demo": bench(sweep("emg", mild), sweep("mains", mild), sweep("leads off", [-0.1])),
        "random S4": bench(sweep("emg", hard)),
    }


ORDER = {"demo": 0, "random S4": 1}


def test_every_growing_fault_has_a_plot_with_the_models_that_were_tried_on_it():
    figure = stress_of_models(two_benches(), ORDER)
    plots = figure.drawing.grid.drawings
    assert [(plot.plane.title, [one.name for one in plot.series]) for plot in plots] == [
        ("emg", ["demo", "random S4"]),
        ("mains", ["demo"]),
    ]


def test_the_line_begins_at_the_recordings_as_they_are():
    first = stress_of_models(two_benches(), ORDER).drawing.grid.drawings[0]
    assert [value for _, value in first.series[0].points] == pytest.approx([0.8, 0.8, 0.78, 0.74])
    assert [first.plane.words(mark) for mark in first.plane.x_marks] == ["–", "0.1", "0.2", "0.4"]


def test_the_numbers_hold_every_fault_also_those_of_one_severity():
    lines = list(csv.DictReader(io.StringIO(stress_of_models(two_benches(), ORDER).numbers)))
    assert [line["fault"] for line in lines].count("leads off") == 1
    assert len(lines) == 2 + 3 + 3 + 1 + 3
    drop = next(line for line in lines if (line["fault"], line["model"], line["severity"]) == ("emg", "demo", "0.4"))
    assert float(drop["change"]) == pytest.approx(-0.06)


def test_a_severity_that_was_not_measured_leaves_a_gap_and_empty_cells():
    figure = stress_of_models({"demo": bench(sweep("emg", [0.0, None]))}, ORDER)
    assert len(figure.drawing.grid.drawings[0].series[0].points) == 2
    assert figure.numbers.splitlines()[-1].endswith(",demo,,,,,,")


def test_benches_without_a_growing_fault_have_no_figure():
    assert stress_of_models({"demo": bench(sweep("leads off", [-0.1]))}, ORDER) is None
    assert stress_of_models({}, ORDER) is None


def test_many_long_names_are_broken_into_lines_of_the_key_and_none_is_lost():
    names = [f"a model with a rather long name {n}" for n in range(6)]
    figure = stress_of_models({name: bench(sweep("emg", [0.0, -0.1])) for name in names}, {})
    svg = svg_text(figure.drawing, figure.title, figure.told)
    assert all(name in svg for name in names)
    assert len(set(re.findall(r'<text x="[^"]*" y="(-[\d.]+)"[^>]*>a model', svg))) > 1
