"""The painted trace, measured in its pixels."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent

from app.core.rows import SignalView
from app.ui import theme
from app.ui.ecg_layout import LAYOUTS
from app.ui.ecg_strips import runs_of
from app.ui.ecg_view import EcgView
from engine.signal.leads import CANONICAL

RATE = 500.0


def signal(seconds=10.0, fill=0.0, derived=()):
    samples = np.full((12, int(seconds * RATE)), fill, np.float32)
    return SignalView("r0123456789ab", samples, RATE, CANONICAL, derived)


@pytest.fixture
def view(qtbot, qapp):
    theme.load_theme("light").apply(qapp)
    made = EcgView()
    qtbot.addWidget(made)
    made.resize(1400, 900)
    return made


def dark_rows(view, x):
    """Rows in which column x holds the colour of the trace (the paper is light)."""
    image = view.grab().toImage()
    return [y for y in range(int(view.paper_px.height())) if QColor(image.pixel(x, y)).lightness() < 110]


def test_one_millivolt_is_ten_millimetres_of_the_grid(view):
    view.set_layout("12 × 1")
    view.zoom_to(5.0)
    view.show_signal(signal(fill=0.0))
    strip = view.sheet().strips[3]
    x = round((strip.x_mm + 60) * 5)
    flat = min(dark_rows(view, x), key=lambda y: abs(y - strip.y_mm * 5))
    shifted = signal(fill=0.0)
    shifted.signal_CT[3] = 1.0
    view.show_signal(shifted)
    raised = min(dark_rows(view, x), key=lambda y: abs(y - (strip.y_mm - 10) * 5))
    assert flat - raised == pytest.approx(10 * 5, abs=1)


def test_one_second_is_25_millimetres_of_the_grid(view):
    view.set_layout("12 × 1")
    view.zoom_to(4.0)
    steps = signal()
    steps.signal_CT[6, 1000:1500] = 0.5
    view.show_signal(steps)
    strip = next(s for s in view.sheet().strips if s.lead == "V1")
    points = np.concatenate(runs_of(view.sheet(), strip, steps, 4.0, view.devicePixelRatioF()))
    high = points[points[:, 1] < strip.y_mm * 4 - 10, 0]
    assert high.min() - strip.x_mm * 4 == pytest.approx(2.0 * 25 * 4, abs=1)
    assert high.max() - high.min() == pytest.approx(1.0 * 25 * 4, abs=2)


def test_the_pulse_is_painted_ten_millimetres_high(view):
    view.set_layout("3 × 4 + II")
    view.zoom_to(5.0)
    view.show_signal(signal())
    baseline = round(view.sheet().baselines_mm[0] * 5)
    top = [y for y in dark_rows(view, 25) if y <= baseline]
    assert min(top) == pytest.approx(baseline - 50, abs=1)


def test_missing_samples_leave_bare_paper(view):
    view.set_layout("12 × 1")
    gap = signal()
    gap.signal_CT[:, 2000:3000] = np.nan
    view.show_signal(gap)
    strip = view.sheet().strips[4]
    middle = round((strip.x_mm + 5.0 * 25) * view.px_per_mm)
    drawn = round((strip.x_mm + 3.0 * 25) * view.px_per_mm)
    assert dark_rows(view, middle) == []
    assert dark_rows(view, drawn) != []


def test_the_caption_names_scale_filter_order_and_derived_leads(view):
    view.show_signal(signal(derived=("III", "aVR", "aVL", "aVF")))
    assert view.caption == (
        "25 mm/s  ·  10 mm/mV  ·  display filter: none  ·  columns in sequence  ·  screen not calibrated"
        "  ·  * derived: III, aVR, aVL, aVF"
    )
    assert view.caption in view.accessibleDescription()


@pytest.mark.parametrize("name", list(LAYOUTS))
@pytest.mark.parametrize("seconds", [0.02, 3.0, 10.0, 61.7])
def test_every_layout_paints_recordings_of_any_length(view, name, seconds):
    view.set_layout(name)
    view.show_signal(signal(seconds))
    for px in (1.0, 2.3, 7.7, 40.0):
        view.zoom_to(px)
        view.pan_to(seconds)
        assert not view.grab().isNull()


def test_arrows_move_in_time_and_stop_at_the_ends(view, qtbot):
    view.set_layout("12 × 1")
    view.zoom_to(10.0)
    view.show_signal(signal())
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert view.start_s == pytest.approx(view.sheet().seconds / 10)
    qtbot.keyClick(view, Qt.Key.Key_End)
    assert view.start_s + view.sheet().seconds == pytest.approx(10.0)
    qtbot.keyClick(view, Qt.Key.Key_Home)
    assert view.start_s == 0.0


def test_keys_change_gain_speed_zoom_and_layout(view, qtbot):
    view.show_signal(signal())
    qtbot.keyClick(view, Qt.Key.Key_Up)
    qtbot.keyClick(view, Qt.Key.Key_BracketRight)
    assert (view.scale.gain, view.scale.speed) == (20.0, 50.0)
    before = view.px_per_mm
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    assert view.px_per_mm > before
    qtbot.keyClick(view, Qt.Key.Key_0)
    assert view.px_per_mm == before
    qtbot.keyClick(view, Qt.Key.Key_L)
    assert view.layout_name == "6 × 2"


def test_dragging_moves_the_paper_with_the_pointer(view, qtbot):
    view.set_layout("12 × 1")
    view.zoom_to(10.0)
    view.show_signal(signal())
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(900, 300))
    qtbot.mouseMove(view, QPoint(650, 300))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(650, 300))
    assert view.start_s == pytest.approx(1.0)


def test_the_wheel_zooms_around_the_moment_under_the_pointer(view):
    view.set_layout("12 × 1")
    view.zoom_to(8.0)
    view.show_signal(signal())
    view.pan_to(2.0)

    def moment(x):
        return view.start_s + (x / view.px_per_mm - view.sheet().left_mm) / 25

    before = moment(700)
    event = QWheelEvent(
        QPointF(700, 300),
        QPointF(700, 300),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    view.wheelEvent(event)
    assert view.px_per_mm == pytest.approx(8.0 * 1.2)
    assert moment(700) == pytest.approx(before, abs=0.01)


def test_the_caliper_reads_time_rate_and_millivolts(view, qtbot):
    view.set_layout("12 × 1")
    view.show_signal(signal())
    qtbot.keyClick(view, Qt.Key.Key_C)
    sheet, px = view.sheet(), view.px_per_mm
    strip = sheet.strips[1]
    start = QPoint(round((strip.x_mm + 25) * px), round(strip.y_mm * px))
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(view, start + QPoint(round(20 * px), round(-5 * px)))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton)
    span = view.caliper.span
    assert span.strip.lead == "II"
    assert abs(span.to_s - span.from_s) == pytest.approx(0.8, abs=0.01)
    assert span.to_mv - span.from_mv == pytest.approx(0.5, abs=0.03)
    assert span.reading.startswith("II  8") or span.reading.startswith("II  79")
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert view.caliper.span is None


def test_the_caliper_can_be_used_without_a_mouse(view, qtbot):
    view.show_signal(signal())
    qtbot.keyClick(view, Qt.Key.Key_C)
    for _ in range(40):
        qtbot.keyClick(view, Qt.Key.Key_Right)
    qtbot.keyClick(view, Qt.Key.Key_Up)
    assert view.caliper.span.reading == "II  400 ms  150/min  +0.05 mV"


def test_another_theme_gives_another_paper(view, qapp):
    view.show_signal(signal())
    light = QColor(view.grab().toImage().pixel(1399, 3)).lightness()
    theme.load_theme("dark").apply(qapp)
    assert QColor(view.grab().toImage().pixel(1399, 3)).lightness() < light - 100


def test_a_measured_screen_gives_true_size(view, qtbot):
    view.show_signal(signal())
    view.set_calibration(4.6)
    qtbot.keyClick(view, Qt.Key.Key_1)
    assert view.px_per_mm == 4.6
    assert view.caption.endswith("true size")
