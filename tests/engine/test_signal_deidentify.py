"""What identifies does not go on; what was removed is counted; the result is read back."""

import json

import numpy as np
import pytest

from engine.contract.deidentification import Deidentification
from engine.contract.errors import WorldError
from engine.signal.acquisition import Acquisition, Statement
from engine.signal.deidentify import deidentify, moment_of, told_texts, year_of
from engine.signal.pseudonyms import device_pseudonym, pseudonym
from engine.signal.recording import Recording

KEY = bytes(range(32))


def recording(**told):
    values = {
        "signal_CT": np.random.default_rng(3).normal(size=(12, 100)).astype(np.float32),
        "rate_hz": 100.0,
        "source_name": "Kowalczyk_Ewa_19310412",
        "patient": "MRN-0012345",
        "age": 95.0,
        "acquired": "2019-03-04T08:15:30",
        "acquisition": Acquisition(maker="GE", model="MAC 5500", serial="SDE09231178PA"),
        "statements": (Statement("Sinus rhythm, seen by Papadopoulos", "NORM", "SCP-ECG"), Statement("normal ECG")),
        "identifiers": (
            ("patient name", "Kowalczyk^Ewa"),
            ("birth date", "1931-04-12"),
            ("person", "Papadopoulos"),
            ("patient id", "MRN-0012345"),
        ),
    }
    return Recording(**(values | told))


def test_names_ids_serials_dates_and_texts_are_taken_out_and_counted():
    clean, removed = deidentify(recording(), Deidentification(), KEY)
    assert clean.patient == pseudonym(KEY, "MRN-0012345")
    assert clean.acquisition.serial == device_pseudonym(KEY, "SDE09231178PA")
    assert (clean.acquired, clean.age, clean.source_name, clean.identifiers) == ("2019", 90.0, "", ())
    assert [(s.text, s.code) for s in clean.statements] == [("", "NORM"), ("", "")]
    assert removed.counts == {
        "acquisition date": 1,
        "age above 89": 1,
        "birth date": 1,
        "device serial": 1,
        "free text": 2,
        "patient id": 1,
        "patient name": 1,
        "person": 1,
    }
    told = json.dumps(told_texts(clean))
    assert not [word for word in ("owalczyk", "Ewa", "0012345", "SDE", "1931", "Papad", "03-04") if word in told]
    assert clean.signal_CT is not None
    assert clean.record_id == recording().record_id


def test_free_text_that_is_allowed_is_kept_unless_it_holds_an_identifier_of_the_file():
    clean, removed = deidentify(recording(), Deidentification(keep_free_text=True), KEY)
    assert [s.text for s in clean.statements] == ["", "normal ECG"]
    assert removed.counts["free text"] == 1


def test_shifted_dates_keep_the_intervals_of_a_patient_and_differ_between_patients():
    policy = Deidentification(dates="shift")
    days = ("2019-03-04T08:15:30", "2019-04-01T23:00:00", "2020-02-29")
    shifted = [moment_of(deidentify(recording(acquired=day), policy, KEY)[0].acquired) for day in days]
    true = [moment_of(day).replace(second=0) for day in days]
    shifts = {before - after for before, after in zip(true, shifted, strict=True)}
    assert len(shifts) == 1
    assert 1 <= shifts.pop().days <= 365
    others = {deidentify(recording(patient=f"MRN-{n}"), policy, KEY)[0].acquired for n in range(20)}
    assert len(others) > 15


def test_a_device_field_that_holds_an_identifier_is_emptied():
    told = Acquisition(model="Cart of Papadopoulos", maker="GE")
    clean, removed = deidentify(recording(acquisition=told), Deidentification(), KEY)
    assert (clean.acquisition.model, clean.acquisition.maker) == ("", "GE")
    assert removed.counts["free text"] == 3


def test_an_identifier_in_a_place_that_cannot_be_emptied_refuses_the_file_without_naming_it():
    with pytest.raises(WorldError) as caught:
        deidentify(recording(transformations=("cut as Kowalczyk asked",)), Deidentification(), KEY)
    assert "identifier was left" in str(caught.value)
    assert "owalczyk" not in str(caught.value)


def test_without_a_key_no_pseudonym_is_made_and_nothing_can_be_searched_for():
    clean, removed = deidentify(recording(), Deidentification(dates="shift"), None)
    assert (clean.patient, clean.acquisition.serial, clean.acquired, removed.marks) == (None, "", "2019", {})
    assert removed.counts["patient id"] == 1


def test_what_is_too_common_to_search_for_is_counted():
    _, removed = deidentify(recording(identifiers=(("patient name", "May"),), patient="7"), Deidentification(), KEY)
    assert removed.unsearchable == 2


@pytest.mark.parametrize(
    ("acquired", "year", "moment"),
    [
        ("2019-03-04T08:15:30", 2019, "2019-03-04T08:15:30"),
        ("9:17:34 09/11/1984", 1984, "1984-11-09T09:17:34"),
        ("31/12/1999", 1999, "1999-12-31T00:00:00"),
        ("spring 2004", 2004, None),
        ("", None, None),
        (None, None, None),
        ("99:99 45/13/2000", 2000, None),
    ],
)
def test_dates_are_read_as_readers_write_them(acquired, year, moment):
    assert year_of(acquired) == year
    assert (moment_of(acquired).isoformat() if moment_of(acquired) else None) == moment
