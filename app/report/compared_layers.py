"""How alike the layers of models are: the map of a pair, and the profile of layers of the same name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.report.charts import HeatMap
from app.report.curve_plot import CurvePlot, Plane, Series
from app.report.figure import Figure
from app.report.figure_numbers import csv_text, slug
from app.report.style import WIDTH
from engine.contract.similarity import CKA, Matrix


def cka_map(cka: CKA) -> Figure:
    """CKA between every layer of one model and every layer of the other."""
    told = (
        f"Similarity of layers on {cka.records:,} recordings: 1 means the same information up to rotation and scale, "
        f"0 that they share none. {_capital(cka.method)}.{_band(cka)}{_warning(cka)}"
    )
    rows = [
        (row, column, value, _cell(cka.low, i, j), _cell(cka.high, i, j), _cell(cka.p_values, i, j))
        for i, (row, line) in enumerate(zip(cka.row_layers, cka.values, strict=True))
        for j, (column, value) in enumerate(zip(cka.column_layers, line, strict=True))
    ]
    heads = (f"layer of {cka.rows}", f"layer of {cka.columns}", "cka", "low", "high", "p_value")
    drawing = HeatMap(cka.values, cka.row_layers, cka.column_layers, cka.rows, cka.columns, WIDTH)
    name = f"cka-{slug(cka.rows)}-{slug(cka.columns)}"
    return Figure(name, f"Layers of {cka.rows} and {cka.columns}", told, drawing, csv_text(heads, rows))


def layer_profile(maps: Sequence[CKA], order: Mapping[str, int]) -> Figure | None:
    """CKA of each layer with the layer of the same name in another model, along the depth; one line a pair.

    Args:
        maps: of pairs of models; those of a model with itself say nothing here.
        order: by model: its colour and marker; a pair takes those of its second.
    """
    pairs = [one for one in maps if one.rows != one.columns and len(one.profile()) > 1]
    if not pairs:
        return None
    depth = max((one.profile() for one in pairs), key=len)
    names = [layer for layer, _ in depth]
    lines = [_profile_line(one, names, order) for one in pairs]
    plane = Plane(
        title="Layer profile",
        x_name="layer, from the input on the left",
        y_name="CKA with the layer of the same name",
        x=(-0.4, len(names) - 0.6),
        y=(min(0.0, *(low for line in lines for _, low, _ in line.band or [(0.0, 0.0, 0.0)])), 1.0),
        x_marks=[float(place) for place in range(len(names))],
        words=lambda place: names[round(place)],
    )
    told = (
        "How alike layers of the same name are, from the input to the output, with the band over patients. Where a "
        f"line falls, the two models part. {_capital(pairs[0].method)}."
    )
    rows = [
        (one.rows, one.columns, layer, value, *_span(one, layer)) for one in pairs for layer, value in one.profile()
    ]
    numbers = csv_text(("model", "other", "layer", "cka", "low", "high"), rows)
    return Figure("layer-profile", "Layer profile", told, CurvePlot(plane, lines), numbers)


def _profile_line(one: CKA, names: Sequence[str], order: Mapping[str, int]) -> Series:
    known = [(float(names.index(layer)), value, layer) for layer, value in one.profile() if layer in names]
    spans = [(place, *_span(one, layer)) for place, _, layer in known]
    return Series(
        name=f"{one.rows} and {one.columns}",
        points=[(place, value) for place, value, _ in known if value is not None],
        series=order.get(one.columns, 0),
        band=[(place, low, high) for place, low, high in spans if low is not None and high is not None],
        marked=True,
    )


def _span(one: CKA, layer: str) -> tuple[float | None, float | None]:
    row, column = one.row_layers.index(layer), one.column_layers.index(layer)
    return _cell(one.low, row, column), _cell(one.high, row, column)


def _cell(matrix: Matrix, row: int, column: int) -> float | None:
    return matrix[row][column] if matrix else None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _band(cka: CKA) -> str:
    return f" Band: {cka.band}." if cka.band else ""


def _warning(cka: CKA) -> str:
    return f" Careful: {cka.warning}." if cka.warning else ""
