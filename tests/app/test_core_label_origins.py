"""What holds of many labels is said once."""

from app.core.label_origins import label_origins
from engine.data.circularity import Spoken, circularity

VALUES = {f"r{n}": n % 2 == 0 for n in range(40)}


def silent(label):
    """A label of recordings that carry no statements."""
    return circularity(label, VALUES, (), {})


def test_labels_of_which_the_same_is_told_share_one_sentence():
    (row,) = label_origins([silent(label) for label in ("NORM", "MI", "STTC")])
    assert row.labels == "NORM, MI, STTC"
    assert row.verdict == "unknown"
    assert row.sentence == (
        "NORM, MI, STTC: of each, whether it repeats the cart's statement cannot be told, "
        "no recording carries statements of the cart"
    )


def test_seventy_labels_take_one_line_that_counts_them():
    (row,) = label_origins([silent(f"L{n}") for n in range(70)])
    assert row.labels == "L0, L1, L2, L3, L4 and 65 more"


def test_a_label_with_a_finding_of_its_own_keeps_its_own_line():
    spoken = {record: Spoken(frozenset(["AFIB"] if value else ["SR"])) for record, value in VALUES.items()}
    own = circularity("AFIB", VALUES, (), spoken)
    rows = label_origins([own, silent("MI"), silent("CD")])
    assert [(row.labels, row.verdict) for row in rows] == [("AFIB", "circular"), ("MI, CD", "unknown")]
    assert rows[0].sentence == own.sentence
