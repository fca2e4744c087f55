"""Figures of a study: what they draw, and that nothing is drawn that was not measured."""

import csv
import io
import math
import xml.etree.ElementTree as ET
from collections.abc import Sequence

import pytest

from app.report import style
from app.report.study_charts import Dot, DotPlot, Line, LinePlot, Panel, Point
from app.report.study_figures import Figure, figures, svg_figures
from app.report.svg import svg_text
from engine.contract.config import CPCConfig, JEPAConfig, S4Config, StudyConfig, TransformerConfig
from engine.contract.results import Estimate, StudyResults, StudyRow
from engine.study.summary import summarise

SVG = "{http://www.w3.org/2000/svg}"
OBJECTIVES = {"cpc": CPCConfig(), "jepa": JEPAConfig()}
BACKBONES = {"s4": S4Config(), "transformer": TransformerConfig()}


def scaling(sizes: Sequence[int] = (1000, 4000, 16000, 64000)) -> StudyConfig:
    return StudyConfig(
        objectives=OBJECTIVES,
        backbones=BACKBONES,
        axes={"objective": ("cpc", "jepa"), "backbone": ("s4", "transformer"), "records": tuple(sizes), "seed": (0, 1)},
    )


def outcome(config: StudyConfig, probe: bool = True, state: str = "done") -> StudyResults:
    rows = []
    for objective in config.axes["objective"]:
        for backbone in config.axes["backbone"]:
            for size in config.axes["records"]:
                for seed in config.axes["seed"]:
                    n = float(size) - 3
                    loss = (6.0 if backbone == "s4" else 7.0) * n**-0.2 + 0.01 * float(seed) + 0.5
                    metrics = {"records": n, "validation_loss": loss, "validation_trivial_loss": 4.86}
                    metrics |= {"probe_after": 1 - n**-0.1, "probe_before": 0.5} if probe else {}
                    values = {"objective": objective, "backbone": backbone, "records": size, "seed": seed}
                    number = len(rows) + 1
                    rows.append(StudyRow(number=number, name="r", values=values, state=state, metrics=metrics))
    return summarise(config, rows, [], 1.0)


def words(figure: Figure) -> list[str]:
    root = ET.fromstring(svg_text(figure.drawing, figure.title, figure.told))
    return [text.text or "" for text in root.iter(f"{SVG}text")]


@pytest.fixture(scope="module")
def drawn() -> dict[str, Figure]:
    config = scaling()
    return {one.name: one for one in figures(outcome(config), config)}


def test_a_study_over_data_sizes_has_its_losses_its_ranking_and_its_scaling(drawn: dict[str, Figure]) -> None:
    assert list(drawn) == [
        "held-out-loss",
        "ranking",
        "loss-cpc-by-records",
        "loss-jepa-by-records",
        "probe-by-records",
    ]


def test_each_objective_has_an_axis_and_a_unit_of_its_own(drawn: dict[str, Figure]) -> None:
    plot = drawn["held-out-loss"].drawing
    assert isinstance(plot, DotPlot)
    told = [(panel.title, panel.unit, panel.level_name) for panel in plot.panels]
    assert told == [
        ("CPC", "nats per prediction", "chance level"),
        ("JEPA", "smooth L1", "predicting the mean"),
    ]
    assert "chance" not in " ".join(words(drawn["loss-jepa-by-records"]))


def test_the_ranking_prints_rank_name_and_mean_of_each_cell_the_best_on_top(drawn: dict[str, Figure]) -> None:
    plot = drawn["ranking"].drawing
    assert isinstance(plot, DotPlot)
    values = [dot.mean.value for dot in plot.panels[0].dots]
    assert values == sorted(values, reverse=True)
    told = words(drawn["ranking"])
    assert "CPC, S4, 16,000 recordings" in told
    assert "1." in told
    assert style.decimal(values[0] or 0.0) in told


@pytest.mark.parametrize("name", ["held-out-loss", "ranking"])
def test_the_numbers_behind_the_dots_are_those_drawn(drawn: dict[str, Figure], name: str) -> None:
    plot = drawn[name].drawing
    assert isinstance(plot, DotPlot)
    dots = [(panel.title, dot) for panel in plot.panels for dot in panel.dots]
    rows = list(csv.DictReader(io.StringIO(drawn[name].numbers)))
    assert [(row["panel"], row["row"], float(row["mean"])) for row in rows] == [
        (title, dot.name, dot.mean.value) for title, dot in dots
    ]
    for row, (_, dot) in zip(rows, dots, strict=True):
        assert [float(value) for value in row["seeds"].split()] == list(dot.seeds)
        assert dot.mean.interval is None or float(row["low"]) == dot.mean.interval.low


def test_scaling_is_drawn_at_the_sizes_that_were_trained_on_with_both_fits(drawn: dict[str, Figure]) -> None:
    plot = drawn["loss-cpc-by-records"].drawing
    assert isinstance(plot, LinePlot)
    assert [line.name for line in plot.lines] == ["S4", "Transformer"]
    assert [point.x for point in plot.lines[0].points] == [997.0, 3997.0, 15997.0, 63997.0]
    (_, floored, whole), (_, straight, dashed) = plot.lines[0].fits
    assert (whole, dashed) == ((), (3.0, 2.0))
    mean = 6.0 * 3997**-0.2 + 0.505
    assert floored(3997) == pytest.approx(mean, rel=1e-3)
    assert straight(3997) == pytest.approx(mean, rel=2e-2)


def test_the_residual_error_is_drawn_where_the_data_grow(drawn: dict[str, Figure]) -> None:
    plot = drawn["probe-by-records"].drawing
    assert isinstance(plot, LinePlot)
    assert plot.lines[0].points[0].mean.value == pytest.approx(997**-0.1)


def test_every_figure_is_an_svg_with_title_description_and_whole_numbers_of_its_own() -> None:
    config = scaling()
    made = svg_figures(outcome(config), config)
    for text in made.values():
        root = ET.fromstring(text)
        assert root.find(f"{SVG}title") is not None
        assert root.findtext(f"{SVG}desc")
        left, top, wide, high = (float(part) for part in root.attrib["viewBox"].split())
        for mark in root.iter(f"{SVG}circle"):
            assert left <= float(mark.attrib["cx"]) <= left + wide
            assert top <= float(mark.attrib["cy"]) <= top + high
        assert "nan" not in text.lower()


def test_text_of_a_study_cannot_break_out_of_its_figure() -> None:
    dot = Dot("<script>&", Estimate(value=1.0, not_estimable="one seed"), [1.0], 0)
    text = svg_text(DotPlot([Panel("a < b", "unit", [dot])]), "t & t", "d < d")
    root = ET.fromstring(text)
    assert "<script>&" in [node.text for node in root.iter(f"{SVG}text")]
    assert root.findtext(f"{SVG}title") == "t & t"


def test_a_study_without_a_probe_has_no_ranking_and_one_that_has_done_nothing_no_figure() -> None:
    config = scaling()
    names = [one.name for one in figures(outcome(config, probe=False), config)]
    assert "ranking" not in names
    assert "probe-by-records" not in names
    assert figures(outcome(config, state="waiting"), config) == []


def test_one_seed_says_so_in_place_of_an_interval() -> None:
    dot = Dot("s4", Estimate(value=2.0, not_estimable="no interval: one seed"), [2.0], 0, level=3.0)
    assert "one seed" in words(Figure("f", "t", "d", DotPlot([Panel("p", "u", [dot])])))


def test_an_interval_beyond_the_axis_is_cut_and_never_asks_for_the_logarithm_of_nothing() -> None:
    wide = Estimate.model_validate({"value": 0.2, "interval": {"low": -3.0, "high": 4.0, "method": "t"}})
    points = [Point(10.0, wide, [0.1, 0.3]), Point(1000.0, wide, [0.15, 0.25])]
    plot = LinePlot("t", [Line("s4", points, 0)], "x", "y", log_x=True, log_y=True)
    text = svg_text(plot, "t", "d")
    assert "nan" not in text
    assert all(math.isfinite(float(line.attrib["y2"])) for line in ET.fromstring(text).iter(f"{SVG}line"))
