"""What differs between the cards of two versions."""

from app.governance.card_changes import card_changes, untold
from engine.contract.card import Lineage, ModelCard, Preprocessing


def card(**changes):
    told = {
        "name": "v1",
        "source": "external",
        "product": "reader",
        "intended_use": "atrial fibrillation",
        "preprocessing": Preprocessing(rate_hz=500, window_s=10),
        "lineage": Lineage(corpus="PTB-XL", records=17_000),
    }
    return ModelCard(**{**told, **changes})


def by_field(old, new):
    return {one.field: (one.old, one.new) for one in card_changes(old, new)}


def test_fields_that_differ_are_told_and_no_others():
    new = card(name="v2", version="2", lineage=Lineage(corpus="PTB-XL", records=21_000))
    assert by_field(card(), new) == {"lineage.records": ("17,000", "21,000")}


def test_a_changed_contract_is_known_as_one():
    new = card(preprocessing=Preprocessing(rate_hz=250, window_s=10, filters="notch 50 Hz"))
    changes = card_changes(card(), new)
    assert {one.field for one in changes} == {"preprocessing.rate_hz", "preprocessing.filters"}
    assert all(one.of_contract for one in changes)
    assert {one.title for one in changes} == {"Sampling rate", "Filters"}


def test_what_a_maker_declined_to_tell_differs_from_what_nobody_said():
    new = card(lineage=Lineage(), declined=("lineage.corpus",))
    told = by_field(card(), new)
    assert told["lineage.corpus"] == ("PTB-XL", "unknown: its maker declined to tell")
    assert told["lineage.records"] == ("17,000", "unknown")
    assert any("its maker declined to tell" in one for one in untold(new))


def test_equal_cards_differ_in_nothing():
    assert card_changes(card(), card(name="v2", version="2")) == []
