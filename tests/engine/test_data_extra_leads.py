"""Leads beyond the twelve are kept beside the store, exactly."""

import numpy as np
import pytest
import reading_cases

from engine.contract.config import ImportConfig
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter
from engine.contract.run import RunFolder
from engine.data import importing
from engine.data.extra_leads import keep_extra, read_extra
from engine.signal.acquisition import ExtraLeads
from engine.signal.readers import find_files, read_recording

EXTRA = ExtraLeads(("V7", "V4R"), np.array([[0.1, np.nan, -2.0], [1.0, 2.0, 3.0]], dtype=np.float32))


def test_further_leads_come_back_as_they_were(tmp_path):
    keep_extra(tmp_path, "r0123456789ab", EXTRA)
    keep_extra(tmp_path, "r0123456789ab", EXTRA)
    found = read_extra(tmp_path, "r0123456789ab")
    assert found.leads == ("V7", "V4R")
    np.testing.assert_array_equal(found.signal_XT, EXTRA.signal_XT)
    assert [path.name for path in (tmp_path / "extra").iterdir()] == ["r0123456789ab.npz"]


def test_a_recording_without_further_leads_has_none(tmp_path):
    assert read_extra(tmp_path, "r0123456789ab") is None


def test_a_damaged_file_is_told(tmp_path):
    keep_extra(tmp_path, "r0123456789ab", EXTRA)
    path = tmp_path / "extra" / "r0123456789ab.npz"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(WorldError, match="extra leads of a recording are damaged"):
        read_extra(tmp_path, "r0123456789ab")


def test_an_import_keeps_them_beside_the_store(tmp_path, samples):
    paths = find_files([samples])[:2]
    config = ImportConfig(store=str(tmp_path / "store"))
    run = RunFolder.create(tmp_path / "J0001", config, inputs=[str(path) for path in paths])
    events = EventWriter(run.events_path)
    assert importing.run(run, config, events, reading_cases.with_further_leads).imported == 2
    events.close()
    for index, path in enumerate(paths):
        extra = read_extra(tmp_path / "store", read_recording(path).record_id)
        assert extra.leads == ("V7", "V4R")
        assert (extra.signal_XT == 0.25 + index).all()
