"""The card against what the file says of itself: input, axes, sizes, names of outputs.

A graph's axis is a size, or a name where it is free.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.contract.card import Output, Preprocessing
from engine.contract.vetting import GraphPort, VettedGraph
from engine.evaluation.vetting.findings import Findings

TAKEN = ("float32", "float64", "float16")
AXES = {
    "batch lead time": ("batch", "lead", "time"),
    "batch time lead": ("batch", "time", "lead"),
    "batch 1 lead time": ("batch", "one", "lead", "time"),
    "batch time": ("batch", "time"),
}
"""What stands where, by the card's word for it."""

RATES_HZ = (100.0, 125.0, 200.0, 240.0, 250.0, 256.0, 300.0, 360.0, 400.0, 500.0, 512.0, 1000.0)
"""Rates that ECG models are made for."""

OF_INPUT = ("inputs", "input-type", "axes", "leads", "window")


def check_the_graph(graph: VettedGraph | None, feed: Preprocessing, outputs: Sequence[Output], told: Findings) -> None:
    """All rules that need no run of the model."""
    if graph is None or not graph.inputs:
        told.skip("the file does not tell its inputs; only running it can show", *OF_INPUT)
    else:
        _check_input(graph.inputs, feed, told)
    if graph is None or not graph.outputs:
        told.skip("the file does not tell its outputs; only running it can show", "outputs")
    else:
        check_outputs([port.name for port in graph.outputs], outputs, told)


def check_outputs(there: Sequence[str], outputs: Sequence[Output], told: Findings) -> None:
    """Outputs that the card names, against those that there are."""
    told.look("outputs")
    known = ", ".join(there) or "none"
    for output in outputs:
        if output.name not in there:
            told.find(
                "outputs",
                "blocking",
                f"the model has no output of this name, only {known}",
                "Correct the outputs of the card",
                output.name,
            )
    named = {output.name for output in outputs}
    for name in there:
        if name not in named:
            told.find(
                "outputs",
                "note",
                "the model has this output, and the card does not name it: it is not looked at",
                "Add it to the card if it is wanted",
                name,
            )


def _check_input(inputs: Sequence[GraphPort], feed: Preprocessing, told: Findings) -> None:
    told.look("inputs")
    if len(inputs) != 1:
        named = ", ".join(port.name for port in inputs)
        told.find(
            "inputs",
            "blocking",
            f"it wants {len(inputs)} inputs ({named}), an ECG is one",
            "Ask its maker for a graph of the ECG alone",
        )
        told.skip("it wants several inputs", *OF_INPUT)
        return
    port = inputs[0]
    if port.dtype:
        told.look("input-type")
    else:
        told.skip("the file does not tell it; only running it can show", "input-type")
    if port.dtype and port.dtype not in TAKEN:
        told.find(
            "input-type",
            "blocking",
            f"it wants {port.dtype} and an ECG is of floating point",
            "Ask its maker for a graph that takes float32",
            port.name,
        )
    if port.shape is None:
        told.skip("the graph does not tell the shape of its input", "axes", "leads", "window")
        return
    _check_axes(port.shape, feed, told)


def _check_axes(shape: Sequence[int | str], feed: Preprocessing, told: Findings) -> None:
    told.look("axes")
    meant = AXES[feed.axes]
    shown = " x ".join(map(str, shape))
    if len(shape) != len(meant):
        fits = [words for words, axes in AXES.items() if len(axes) == len(shape)]
        advice = f"Say in the card: axes = {' or '.join(repr(one) for one in fits)}" if fits else "Ask its maker"
        told.find(
            "axes",
            "blocking",
            f"its input has {len(shape)} axes ({shown}), the card says '{feed.axes}'",
            advice,
            "preprocessing.axes",
        )
        told.skip("the axes do not fit", "leads", "window")
        return
    sizes = dict(zip(meant, shape, strict=True))
    if _turned(sizes, feed):
        other = "batch time lead" if feed.axes == "batch lead time" else "batch lead time"
        told.find(
            "axes",
            "blocking",
            f"its input is {shown}: time and leads stand the other way round",
            f"Say in the card: axes = '{other}'",
            "preprocessing.axes",
        )
        told.skip("time and leads stand the other way round", "leads", "window")
        return
    if isinstance(sizes.get("one"), int) and sizes["one"] != 1:
        told.find(
            "axes",
            "blocking",
            f"its input is {shown}: the second axis is not of size 1",
            "Correct the axes of the card",
            "preprocessing.axes",
        )
    _check_leads(sizes.get("lead"), feed, told)
    _check_window(sizes["time"], feed, told)


def _turned(sizes: dict[str, int | str], feed: Preprocessing) -> bool:
    """Whether fixed sizes say that leads and time were exchanged."""
    lead, time = sizes.get("lead"), sizes["time"]
    if "one" in sizes or lead is None:
        return False
    as_meant = lead == len(feed.leads) or time == feed.samples
    return not as_meant and (time == len(feed.leads) or lead == feed.samples)


def _check_leads(size: int | str | None, feed: Preprocessing, told: Findings) -> None:
    if size is None or isinstance(size, int):
        told.look("leads")
    else:
        told.skip("its axis of channels is free; only running it can show", "leads")
    if isinstance(size, int) and size != len(feed.leads):
        one = f"{len(feed.leads)} lead{'s' * (len(feed.leads) != 1)}"
        told.find(
            "leads",
            "blocking",
            f"its input has {size} channels, the card names {one}",
            "Correct the leads of the card",
            "preprocessing.leads",
        )


def _check_window(size: int | str, feed: Preprocessing, told: Findings) -> None:
    if not isinstance(size, int):
        told.skip("its axis of time is free: it takes windows of any length", "window")
        return
    told.look("window")
    if size != feed.samples:
        made = f"{feed.window_s:g} s at {feed.rate_hz:g} Hz, which is {feed.samples:,}"
        told.find(
            "window",
            "blocking",
            f"its input has {size:,} samples, the card says {made}",
            _lengths(size, feed),
            "preprocessing.window_s",
        )


def _lengths(samples: int, feed: Preprocessing) -> str:
    """What window or rate would fit."""
    by_window = f"{samples / feed.rate_hz:g} s at {feed.rate_hz:g} Hz"
    rate = samples / feed.window_s
    by_rate = f", or {feed.window_s:g} s at {rate:g} Hz" if rate in RATES_HZ else ""
    return f"Correct the card: {by_window}{by_rate}"
