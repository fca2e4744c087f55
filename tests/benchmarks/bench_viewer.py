"""Milliseconds a frame of the ECG view, beside pyqtgraph with twelve plots, in one run.

    python tests/benchmarks/bench_viewer.py

Both draw the same twelve leads of 5,000 samples at 1400 x 900 while panning; frames take turns, process CPU time,
medians. Ours draws paper, millimetre grid, names, pulses and caption besides. Goal: at most 8 ms a frame.
"""

import os
import statistics
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pyqtgraph
from PySide6.QtWidgets import QApplication

from app.core.rows import SignalView
from app.ui import theme
from app.ui.ecg_layout import LAYOUTS
from app.ui.ecg_view import EcgView
from engine.signal.leads import CANONICAL

SIZE, SAMPLES, RATE, FRAMES, GOAL_MS = (1400, 900), 5000, 500.0, 60, 8.0


def recording() -> SignalView:
    """Beats of a fixed shape with noise: what an electrocardiograph gives, as far as a painter cares."""
    rng, time_T = np.random.default_rng(0), np.arange(SAMPLES) / RATE
    beat = np.exp(-(((time_T % 0.8) - 0.3) ** 2) / 0.0002) + 0.2 * np.exp(-(((time_T % 0.8) - 0.55) ** 2) / 0.003)
    signal_CT = np.stack([beat * (0.4 + 0.1 * lead) for lead in range(12)]) + rng.normal(0, 0.015, (12, SAMPLES))
    return SignalView("r000000000000", signal_CT.astype(np.float32), RATE, CANONICAL, ())


def ours(signal: SignalView, layout: str):
    """Our view and one step of panning."""
    view = EcgView()
    view.resize(*SIZE)
    view.set_layout(layout)
    view.show_signal(signal)
    view.zoom_to(8.0)

    def pan(frame: int) -> None:
        view.pan_to(frame * 0.02)
        view.grab()

    return pan


def theirs(signal: SignalView):
    """Twelve linked pyqtgraph plots, tuned as its manual says, and one step of panning."""
    widget = pyqtgraph.GraphicsLayoutWidget()
    widget.resize(*SIZE)
    plots = []
    for lead in range(12):
        plot = widget.addPlot(row=lead, col=0)
        plot.showGrid(x=True, y=True)
        plot.disableAutoRange()
        plot.setYRange(-1, 2)
        plot.plot(np.arange(SAMPLES) / RATE, signal.signal_CT[lead], skipFiniteCheck=True)
        plots.append(plot)

    def pan(frame: int) -> None:
        for plot in plots:
            plot.setXRange(frame * 0.02, frame * 0.02 + 7, padding=0)
        widget.grab()

    return pan


def main() -> int:
    """Print the medians; exit code 1 when the goal is missed."""
    app = QApplication.instance() or QApplication([])
    theme.load_theme("light").apply(app)
    signal = recording()
    steps = {f"ours, {name}": ours(signal, name) for name in LAYOUTS} | {"pyqtgraph, 12 plots": theirs(signal)}
    spent = {name: [] for name in steps}
    for frame in range(FRAMES + 5):
        for name, step in steps.items():
            began = time.process_time()
            step(frame)
            spent[name].append(1000 * (time.process_time() - began))
    medians = {name: statistics.median(times[5:]) for name, times in spent.items()}
    peer = medians["pyqtgraph, 12 plots"]
    for name, milliseconds in medians.items():
        print(f"{name:22} {milliseconds:7.2f} ms a frame {peer / milliseconds:6.1f} x")
    worst = max(value for name, value in medians.items() if name.startswith("ours"))
    print(f"goal {GOAL_MS:g} ms: {'met' if worst <= GOAL_MS else 'missed'}")
    return int(worst > GOAL_MS)


if __name__ == "__main__":
    raise SystemExit(main())
