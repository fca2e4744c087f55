import io
import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from pdf_text import page_texts
from pypdf import PdfReader
from report_factory import LEADS, make_dossier, signal_view

from app.core.rows import SignalView
from app.governance.dossier import ExampleECG
from app.report import ecg_trace
from app.report.build import render
from app.report.ecg_trace import legend, pulse_mm, segments, strip, trace_mm

RATE = 500.0
POINTS_PER_MM = 72 / 25.4


def example(signal: SignalView) -> ExampleECG:
    return ExampleECG("r3f9a1c22d07b", "local", "90+", "female", signal, "good", ())


def segment(lead: str, start_s: float = 0.0) -> ecg_trace.Segment:
    return next(s for s in segments() if s.lead == lead and s.start_s == start_s)


def test_one_millivolt_is_ten_millimetres_and_one_second_is_twenty_five() -> None:
    step_T = np.zeros(5000, np.float32)
    step_T[500:] = 1.0
    (line,) = trace_mm(step_T, RATE, segment("I"))
    assert line[500, 1] - line[0, 1] == pytest.approx(10.0, abs=1e-9)
    assert line[500, 0] - line[0, 0] == pytest.approx(25.0, abs=1e-9)


def test_the_calibration_pulse_is_ten_millimetres_high_and_five_wide() -> None:
    pulse = pulse_mm(40.0)
    assert np.ptp(pulse[:, 1]) == pytest.approx(10.0)
    top = pulse[pulse[:, 1] > 45]
    assert np.ptp(top[:, 0]) == pytest.approx(5.0)


def test_every_lead_stands_once_in_the_columns_and_two_more_as_rhythm_strip() -> None:
    shown = [s.lead for s in segments()]
    assert sorted(shown) == sorted([*LEADS, "II"])
    assert [s.lead for s in segments() if s.start_s == 0.0] == ["I", "II", "III", "II"]


def test_columns_go_on_in_time_where_the_one_before_ends() -> None:
    ramp_T = np.arange(5000, dtype=np.float32) / 5000
    lines = [trace_mm(ramp_T, RATE, segment(lead, start)) for lead, start in (("I", 0.0), ("aVR", 2.5), ("V1", 5.0))]
    for (left,), (right,) in itertools.pairwise(lines):
        np.testing.assert_allclose(left[-1], right[0], atol=1e-6)


def test_missing_samples_are_gaps_and_never_bridged() -> None:
    signal_T = np.zeros(5000, np.float32)
    signal_T[100:200] = np.nan
    signal_T[300] = np.nan
    lines = trace_mm(signal_T, RATE, segment("I"))
    assert [len(line) for line in lines] == [100, 100, 1250 + 1 - 301]
    assert all(np.isfinite(line).all() for line in lines)


def test_a_recording_shorter_than_its_columns_is_drawn_as_far_as_it_goes() -> None:
    short_T = np.zeros(2000, np.float32)
    assert trace_mm(short_T, RATE, segment("V4", 7.5)) == []
    (line,) = trace_mm(short_T, RATE, segment("aVR", 2.5))
    assert line[-1, 0] - line[0, 0] == pytest.approx((1999 - 1250) / RATE * 25)


def test_ten_seconds_and_the_pulse_fit_on_the_paper() -> None:
    assert ecg_trace.TRACE_X_MM + 250 <= ecg_trace.PAPER_MM[0] <= 297 - 2 * 12
    assert ecg_trace.PAPER_MM[1] <= 210 - 2 * 14


def ecg_page(pdf: bytes) -> tuple[str, str]:
    """Text and drawing operations of the landscape page with the recording."""
    pages = PdfReader(io.BytesIO(pdf)).pages
    for page, text in zip(pages, page_texts(pdf), strict=True):
        if "mm/mV" in text and page.mediabox.width > page.mediabox.height:
            return text, page.get_contents().get_data().decode("latin-1")
    raise AssertionError("no ECG page")


@pytest.fixture(scope="module")
def printed(report: Path) -> tuple[str, str]:
    return ecg_page(report.read_bytes())


def polylines(content: str) -> list[np.ndarray]:
    """All stroked paths of a page as [points, 2], in points."""
    found = []
    for path in re.findall(r"\bn((?:\s-?[\d.]+\s-?[\d.]+\s[ml])+)\sS", content):
        found.append(np.array([[float(x), float(y)] for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+) [ml]", path)]))
    return found


def test_on_paper_a_step_of_one_millivolt_is_ten_millimetres_high() -> None:
    signal_CT = np.zeros((12, 5000), np.float32)
    signal_CT[:, 625:] = 1.0
    _, content = ecg_page(render(make_dossier(signal=signal_view(signal_CT))))
    strips = [line for line in polylines(content) if len(line) == 5000]
    assert len(strips) == 1
    high, wide = np.ptp(strips[0][:, 1]), np.ptp(strips[0][:, 0])
    assert high / POINTS_PER_MM == pytest.approx(10.0, abs=0.001)
    assert wide / POINTS_PER_MM == pytest.approx(25 * 4999 / 500, abs=0.001)


def test_the_page_draws_a_pulse_in_each_row_and_all_thirteen_segments(printed: tuple[str, str]) -> None:
    lines = polylines(printed[1])
    pulses = [
        line for line in lines if len(line) == 6 and np.ptp(line[:, 1]) / POINTS_PER_MM == pytest.approx(10, abs=0.01)
    ]
    assert len(pulses) == 4
    assert sorted(len(line) for line in lines if len(line) > 1000) == [1250] * 3 + [1251] * 9 + [5000]


def test_the_page_is_landscape_and_names_scale_layout_filters_and_pseudonym(printed: tuple[str, str]) -> None:
    flat = re.sub(r"\s+", " ", printed[0])
    for needle in ("25 mm/s, 10 mm/mV", "Simultaneous leads, 2.5 s per column", "Filters", "none", "r3f9a1c22d07b"):
        assert needle in flat
    assert all(re.search(rf"\b{lead}\b", flat) for lead in LEADS)


def test_absent_and_derived_leads_say_so() -> None:
    signal_CT = np.zeros((12, 5000), np.float32)
    signal_CT[6] = np.nan
    text, _ = ecg_page(render(make_dossier(signal=signal_view(signal_CT, derived=("III", "aVR")))))
    assert "V1 (not recorded)" in text
    assert "III (derived)" in text
    assert "aVR (derived)" in text
    assert "Missing samples are gaps" in text


def test_a_trace_that_leaves_the_paper_is_said_to_be_cut() -> None:
    signal_CT = np.zeros((12, 5000), np.float32)
    assert "outside the paper" not in legend(example(signal_view(signal_CT)))
    signal_CT[0, 300] = 9.0
    assert "outside the paper" in legend(example(signal_view(signal_CT)))


def test_a_long_recording_says_that_its_first_ten_seconds_are_shown() -> None:
    signal_CT = np.zeros((12, 15000), np.float32)
    assert ("Length", "first 10.0 s of 30.0 s") in strip(example(signal_view(signal_CT)))
    assert ("Age", "90+") in strip(example(signal_view(signal_CT)))
