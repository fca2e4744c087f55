"""Geometry of the 12-lead sheet, in millimetres."""

import pytest

from app.ui.ecg_layout import GAINS_MM_MV, LAYOUTS, SPEEDS_MM_S, Scale, arrange, caption, fit_px_per_mm

TWELVE = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]


def sheet(name="3 × 4 + II", scale=None, width=260.0, height=180.0, start=0.0, seconds=10.0):
    return arrange(LAYOUTS[name], scale or Scale(), width, height, start, seconds)


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_every_layout_draws_each_lead_once_beside_its_rhythm_strip(name):
    # A published viewer's 6 x 2 drew V1 twice and lost III (dicom-ecg-plot, pull request 13).
    drawn = [lead for column in LAYOUTS[name].columns for lead in column]
    assert drawn == TWELVE
    rhythm = len(LAYOUTS[name].rhythm)
    assert [strip.lead for strip in sheet(name).strips][: len(drawn)] == drawn
    assert len(sheet(name).strips) == 12 + rhythm


def test_three_by_four_has_two_and_a_half_seconds_a_column_in_sequence():
    first_row = [strip for strip in sheet().strips if strip.row == 0]
    assert [strip.lead for strip in first_row] == ["I", "aVR", "V1", "V4"]
    assert [strip.start_s for strip in first_row] == [0.0, 2.5, 5.0, 7.5]
    assert {strip.seconds for strip in first_row} == {2.5}
    assert [strip.x_mm for strip in first_row] == [10.0, 72.5, 135.0, 197.5]


def test_the_rhythm_strip_runs_through_all_columns():
    rhythm = sheet().strips[-1]
    assert (rhythm.lead, rhythm.row, rhythm.start_s, rhythm.seconds) == ("II", 3, 0.0, 10.0)


def test_ten_seconds_at_25_mm_per_s_are_250_mm():
    strip = sheet("12 × 1", width=270.0).strips[0]
    assert strip.seconds * 25.0 == 250.0


def test_the_pulse_is_200_ms_wide_and_one_millivolt_high():
    assert Scale(25, 10).pulse_mm == (5.0, 10.0)
    assert Scale(50, 5).pulse_mm == (10.0, 5.0)
    assert Scale(12.5, 20).pulse_mm == (2.5, 20.0)


@pytest.mark.parametrize("speed", SPEEDS_MM_S)
@pytest.mark.parametrize("name", list(LAYOUTS))
def test_time_begins_on_a_bold_line(name, speed):
    assert sheet(name, Scale(speed, 10)).left_mm % 5 == 0


@pytest.mark.parametrize("gain", GAINS_MM_MV)
@pytest.mark.parametrize("name", list(LAYOUTS))
def test_the_first_pulse_lies_whole_on_the_paper(name, gain):
    placed = sheet(name, Scale(25, gain), height=190.0)
    assert placed.baselines_mm[0] - gain >= 0
    assert all(baseline == int(baseline) for baseline in placed.baselines_mm)


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_rows_stand_at_even_distances_within_the_paper(name):
    placed = sheet(name, height=190.0)
    steps = {b - a for a, b in zip(placed.baselines_mm, placed.baselines_mm[1:], strict=False)}
    assert steps == {placed.pitch_mm}
    assert placed.baselines_mm[-1] < 190.0


def test_narrow_paper_shows_less_time_and_never_squeezes_it():
    placed = sheet("12 × 1", width=145.0)
    assert placed.seconds == 5.0
    assert placed.scale.speed == 25.0


@pytest.mark.parametrize(("asked", "given"), [(-3.0, 0.0), (0.0, 0.0), (4.0, 4.0), (99.0, 5.0)])
def test_panning_stops_at_the_ends_of_the_recording(asked, given):
    assert sheet("12 × 1", width=145.0, start=asked).start_s == given


@pytest.mark.parametrize("seconds", [0.5, 2.0, 10.0, 60.0])
@pytest.mark.parametrize("name", list(LAYOUTS))
def test_no_strip_reaches_beyond_the_recording(name, seconds):
    for strip in sheet(name, seconds=seconds, start=1e9).strips:
        assert strip.start_s >= 0
        assert strip.end_s <= seconds + 1e-9


def test_a_point_finds_the_strip_under_it_and_the_pulse_belongs_to_none():
    placed = sheet()
    assert placed.strip_at(100.0, placed.baselines_mm[1] + 3).lead == "aVL"
    assert placed.strip_at(3.0, placed.baselines_mm[1]) is None


def test_fit_shows_ten_seconds_at_25_mm_per_s():
    for name, layout in LAYOUTS.items():
        for width in (640, 900, 1400):
            px = fit_px_per_mm(width, layout)
            assert sheet(name, width=width / px).seconds == 10.0


def test_the_caption_admits_that_the_screen_was_never_measured():
    assert caption(Scale(), 4, False, 3.0, 3.8) == (
        "25 mm/s  ·  10 mm/mV  ·  display filter: none  ·  columns in sequence  ·  screen not calibrated"
    )


def test_the_caption_tells_the_effective_scale_of_a_shrunk_sheet():
    assert caption(Scale(), 1, True, 3.0, 4.0).endswith("drawn at 75%: effective 18.8 mm/s, 7.5 mm/mV")
    assert caption(Scale(), 1, True, 4.0, 4.0).endswith("true size")
