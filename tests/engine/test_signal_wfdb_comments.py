"""What the comments of WFDB headers say, and what of it may name somebody."""

import numpy as np
import pytest

from engine.signal.acquisition import Statement
from engine.signal.readers import read_recording
from engine.signal.wfdb_comments import read_comments


def test_codes_of_the_challenges_become_statements():
    told = read_comments(("Age: 56", "Sex: Female", "Dx: 251146004,426783006", "Rx: Unknown"))
    assert [(one.system, one.code) for one in told.statements] == [
        ("SNOMED CT", "251146004"),
        ("SNOMED CT", "426783006"),
    ]
    assert (told.age, told.sex, told.identifiers) == (56.0, "female", ())


def test_what_is_not_known_may_name_somebody():
    told = read_comments(("Dr. Meier, ward 7", "ECG date: 01/10/1990", "Diagnosis: AV block"))
    assert told.identifiers == (("free text", "Dr. Meier, ward 7"), ("acquisition date", "01/10/1990"))
    assert told.acquired == "1990-10-01"
    assert told.statements == (Statement(text="AV block", source="clinical record"),)


@pytest.mark.parametrize(
    ("line", "age", "sex"),
    [
        ("<age>: 51 <sex>: F", 51.0, "female"),
        ("age: 300", 300.0, "unknown"),
        ("Age: NaN", None, "unknown"),
        ("Age: 85+", 90.0, "unknown"),
        ("gender: male", None, "male"),
        ("Age: 150", None, "unknown"),
    ],
)
def test_age_and_sex_are_read_in_each_databases_spelling(line, age, sex):
    told = read_comments((line,))
    assert (told.age, told.sex) == (age, sex)


@pytest.mark.shared
def test_frank_leads_of_ptb_stand_aside_and_its_clinic_is_told(shared):
    folder = shared / "data/wfdb-format-variants"
    recording = read_recording(folder / "s0010_re.hea")
    assert recording.extra.leads == ("X", "Y", "Z")
    raw_TX = np.fromfile(folder / "s0010_re.xyz", dtype="<i2").reshape(-1, 3)
    np.testing.assert_array_equal(recording.extra.signal_XT, raw_TX.T.astype(np.float32) / np.float32(2000))
    assert (recording.age, recording.sex, recording.acquired) == (81.0, "female", "1990-10-01")
    assert "Myocardial infarction" in [statement.text for statement in recording.statements]


@pytest.mark.parametrize(
    ("comment", "age"),
    [("Age: 56 years", 56.0), ("Age: 6 months", 0.0), ("Age: 30 months", 2.0), ("Age: 3 days  Sex: F", 0.0)],
)
def test_an_age_is_in_the_unit_that_stands_behind_it(comment, age):
    assert read_comments((comment,)).age == age


def test_age_and_sex_in_one_line_are_parted_by_a_comma_and_what_else_stands_there_may_name_a_person():
    told = read_comments(("Age: 56, Sex: M, seen by Zacharias Meier",))
    assert (told.age, told.sex) == (56.0, "male")
    assert told.identifiers == (("free text", "seen by Zacharias Meier"),)
    assert read_comments(("<age>: 51  <sex>: F  <diagnoses>:",)).identifiers == ()
