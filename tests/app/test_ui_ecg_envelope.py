"""Thinning keeps what a cardiologist must see."""

import numpy as np
import pytest

from app.ui.ecg_envelope import polyline, runs

RNG = np.random.default_rng(7)


def noise(samples=5000):
    return RNG.normal(size=samples).astype(np.float32)


def test_zoomed_in_every_sample_is_a_point():
    lead = noise(100)
    points = polyline(lead, 20, 60, 0.7)
    assert points[:, 0].tolist() == list(range(20, 60))
    assert points[:, 1] == pytest.approx(lead[20:60])


@pytest.mark.parametrize("samples_per_px", [2.1, 3.7, 5.5, 41.0, 812.3])
def test_zoomed_out_each_bin_keeps_its_extremes(samples_per_px):
    lead = noise()
    points = polyline(lead, 0, 5000, samples_per_px)
    bins = np.floor(np.arange(5000) / samples_per_px).astype(int)
    edges = np.flatnonzero(np.diff(np.concatenate(([-1], np.floor(np.arange(5000) / samples_per_px)))))
    low, high = points[:, 1].reshape(-1, 2).min(axis=1), points[:, 1].reshape(-1, 2).max(axis=1)
    # Where a bin begins may differ by the one sample that straddles its edge; extremes overall may not.
    assert abs(len(low) - len(edges)) <= 1
    assert low.min() == lead.min()
    assert high.max() == lead.max()
    assert len(np.unique(bins)) >= len(low) - 1


def test_a_spike_of_one_sample_survives_any_zoom():
    lead = np.zeros(60_000, np.float32)
    lead[31_234] = 2.0
    for samples_per_px in (2.5, 10.0, 100.0, 999.9):
        assert polyline(lead, 0, 60_000, samples_per_px)[:, 1].max() == 2.0


def test_panning_moves_the_line_and_does_not_change_its_shape():
    lead = noise()
    whole = {tuple(point) for point in polyline(lead, 0, 5000, 4.3)}
    part = polyline(lead, 1000, 2000, 4.3)[2:-2]
    assert {tuple(point) for point in part} <= whole


@pytest.mark.parametrize("first", range(0, 5000, 313))
@pytest.mark.parametrize("samples_per_px", [2.0001, 3.84615, 5.5555])
def test_any_window_stays_inside_the_recording(first, samples_per_px):
    points = polyline(noise(), first, 5001, samples_per_px)
    assert np.isfinite(points).all()
    assert points[:, 0].max() <= 5000 + samples_per_px


def test_a_missing_stretch_is_a_gap_between_two_runs():
    lead = noise(1000)
    lead[400:500] = np.nan
    for samples_per_px in (1.0, 5.0):
        found = runs(polyline(lead, 0, 1000, samples_per_px))
        assert len(found) == 2
        assert found[0][:, 0].max() <= 400 + samples_per_px
        assert found[1][:, 0].min() >= 500 - samples_per_px


def test_a_lead_without_any_sample_gives_no_line():
    assert runs(polyline(np.full(1000, np.nan, np.float32), 0, 1000, 5.0)) == []
    assert len(polyline(noise(10), 8, 8, 1.0)) == 0
