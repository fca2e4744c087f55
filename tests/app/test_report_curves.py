"""Curves of the report: what is drawn where, what is cut at the plane's edge, and one drawing for PDF and SVG."""

import re

import pytest
from reportlab.pdfgen.canvas import Canvas

from app.report import style
from app.report.curve_plot import LEAST_BAR, STRIP, Counts, CurvePlot, Plane, Series, _clipped, _cut, _stepped
from app.report.svg import svg_text

SQUARE = Plane("ROC", "false positive rate", "sensitivity", square=True, guides=[((0, 0), (1, 1))])


def plot(*series, plane=SQUARE, **more):
    return CurvePlot(plane, series, **more)


def svg(drawing):
    return svg_text(drawing, "title", "told")


def paths(text, color):
    """Vertices of the lines of a colour."""
    found = re.findall(rf'<path d="([^"]+)" fill="none" stroke="{color}"', text)
    return [[tuple(map(float, pair.split())) for pair in re.findall(r"[ML]([-\d.]+ [-\d.]+)", d)] for d in found]


def test_a_curve_runs_from_corner_to_corner_of_a_plane_as_high_as_it_is_wide():
    drawing = plot(Series("a", [(0, 0), (0.5, 0.8), (1, 1)], 0))
    (line,) = paths(svg(drawing), "#0072b2")
    wide, high = line[-1][0] - line[0][0], line[0][1] - line[-1][1]
    assert wide == pytest.approx(high, abs=0.02)
    assert line[1][0] == pytest.approx(line[0][0] + 0.5 * wide, abs=0.02)
    assert line[1][1] == pytest.approx(line[0][1] - 0.8 * high, abs=0.02)


def test_a_stepped_curve_holds_its_height_until_the_next_place():
    assert _stepped([(0, 0), (0.2, 0.5), (1, 1)]) == [(0, 0), (0.2, 0), (0.2, 0.5), (1, 0.5), (1, 1)]
    assert _stepped([]) == []


def test_what_leaves_the_plane_is_cut_at_its_edge():
    plane = Plane("", "", "", y=(0.0, 1.0))
    assert _cut([(0, 0.5), (0.5, -0.5), (1, 0.5)], plane) == [[(0, 0.5), (0.25, 0.0)], [(0.75, 0.0), (1, 0.5)]]
    assert _cut([(0, 2), (1, 3)], plane) == []
    assert _cut([(0, -1), (1, 2)], plane) == [[(pytest.approx(1 / 3), 0.0), (pytest.approx(2 / 3), 1.0)]]
    assert _cut([(-1, 0.5), (0.2, 0.5), (0.4, 0.5), (3, 0.5)], plane) == [[(0.2, 0.5), (0.4, 0.5)]]
    assert _clipped((0, 0.5), (1, 0.5), 0, 1) == ((0, 0.5), (1, 0.5))


def test_every_series_is_named_in_the_key_with_what_is_told_of_it():
    text = svg(plot(Series("demo CPC", [(0, 0), (1, 1)], 0, "0.812 (0.765 to 0.850)"), Series("treat all", [(0, 1)])))
    for told in ("demo CPC", "0.812 (0.765 to 0.850)", "treat all", "ROC", "sensitivity", "false positive rate"):
        assert f">{told}</text>" in text


def test_bands_lie_under_all_lines_and_the_axes_say_the_same_decimals():
    band = [(0, 0.0, 0.4), (1, 0.6, 1.0)]
    text = svg(plot(Series("a", [(0, 0.2), (1, 0.8)], 0, band=band), Series("b", [(0, 0.3), (1, 0.7)], 1, band=band)))
    last_area = max(match.start() for match in re.finditer(r'Z" fill="#', text))
    first_line = text.index('stroke="#0072b2" stroke-width="1.3"')
    assert last_area < first_line
    assert text.count(">0.0</text>") == 2
    assert text.count(">1.0</text>") == 2


def test_a_logarithmic_axis_places_equal_ratios_equally_far_apart():
    marks = (0.01, 0.1, 1.0)
    plane = Plane("", "", "", x=(0.01, 1.0), log_x=True, x_marks=marks)
    (line,) = paths(svg(plot(Series("a", [(m, 0.5) for m in marks], 0), plane=plane)), "#0072b2")
    assert line[1][0] - line[0][0] == pytest.approx(line[2][0] - line[1][0], abs=0.02)


def test_counts_stand_below_the_plane_and_a_long_key_makes_room():
    few = plot(Series("a", [(0, 0), (1, 1)], 0))
    many = plot(*[Series(f"model {n}", [(0, 0), (1, 1)], n, "told") for n in range(16)])
    assert many.height > few.height
    text = svg(plot(Series("a", [(0, 0), (1, 1)], 0), counts=[Counts([1, 0, 4], [9, 3, 0])]))
    assert text.count('stroke="none"') == 0
    assert len(re.findall(r'<rect [^>]*fill="#16202c"', text)) == 2
    assert ">with the label, at most 4 a bar</text>" in text
    assert ">without it, at most 9 a bar</text>" in text


def test_few_that_are_counted_are_ticks_and_the_plane_makes_room_for_the_strip():
    alone = plot(Series("a", [(0, 0), (1, 1)], 0))
    counted = plot(Series("a", [(0, 0), (1, 1)], 0), counts=[Counts([1, 0], [1, 1])])
    heights = re.findall(r'<rect [^>]*height="([\d.]+)" fill="#16202c"', svg(counted))
    assert [float(one) for one in heights] == [pytest.approx((STRIP / 2 - 3) / LEAST_BAR, abs=0.01)]
    assert counted.height == pytest.approx(alone.height, abs=1)


def test_the_same_drawing_goes_into_a_pdf(tmp_path):
    canvas = Canvas(str(tmp_path / "x.pdf"))
    style.register_fonts()
    band = [(0, 0.1, 0.4), (1, 0.6, 1.2)]
    spans = [(0.5, 0.2, 1.4)]
    drawing = plot(
        Series("a", [(0, 0.2), (1, 0.8)], 0, band=band, spans=spans, chosen=[(0.5, 0.5)], marked=True),
        counts=[Counts([3], [4])],
    )
    drawing.drawOn(canvas, 50, 100)
    canvas.save()
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")
