"""Cards of published foundation models: whole, readable again, and with the licence gate where one is needed."""

import json

import pytest

from app.core.card_files import check_card, plain_card, read_card
from app.core.corpus_names import corpora_in
from app.core.external_models import refuse_licence
from app.core.published_cards import card_text, published_card
from engine.contract.card import ModelCard
from engine.contract.errors import UsageError
from engine.contract.published_families import FAMILIES, family

NETWORKS = [network for one in FAMILIES for network in one.architectures]


@pytest.mark.parametrize("network", NETWORKS)
def test_a_card_as_a_file_is_faultless_and_says_what_was_put_into_it(network, tmp_path):
    file = tmp_path / "card.json"
    file.write_text(card_text(network), encoding="utf-8")
    assert check_card(file) == []
    assert read_card(file).model_dump() == published_card(network).model_dump()


@pytest.mark.parametrize("network", NETWORKS)
def test_only_what_makers_seldom_tell_is_left_to_be_assumed(network):
    told = ModelCard.model_validate(plain_card(json.loads(card_text(network)))).preprocessing
    untold = set(type(told).model_fields) - told.model_fields_set
    assert untold <= {"missing", "polarity", "padding", "derived_leads", "means", "deviations", "stride_s"}
    assert {"polarity", "derived_leads"} <= untold


def test_a_card_names_the_network_its_layers_and_its_answers():
    card = published_card("ecgfounder/12-lead")
    assert card.architecture == "ecgfounder/12-lead"
    *embeddings, logits = card.outputs
    assert [output.name for output in embeddings] == ["embedding", *(f"stage{n}" for n in range(1, 8))]
    assert logits.classes[5] == "ATRIAL FIBRILLATION"
    assert (logits.judged_as, embeddings[0].judged_as) == ("probability", "none")
    assert card.lineage.parameters == 30_752_646


def test_notes_tell_what_the_importer_was_tried_on_and_what_is_fed_otherwise():
    told = " ".join(published_card("st-mem/encoder").notes)
    assert "verified on layout only" in told
    assert "Left out of its file: the decoder" in told
    assert "Fed otherwise than by its makers" in told


def test_a_non_commercial_model_asks_for_a_reason():
    card = published_card("hubert-ecg/small")
    assert card.non_commercial is True
    with pytest.raises(UsageError, match="forbids commercial use"):
        refuse_licence(card)
    refuse_licence(card.model_copy(update={"reason": "research at a university hospital"}))


def test_what_they_were_trained_on_is_known_again():
    told = {one.name: corpora_in(one.corpus).names for one in FAMILIES}
    assert told["s4-study"] == {"heedb", "heedbemory", "code15"}
    assert {"ptbxl", "cpsc2018", "chapman"} <= told["ecg-fm"] & told["hubert-ecg"]
    assert told["merl"] == {"mimic"}


def test_an_unknown_network_is_refused_with_those_that_are_known():
    assert family("ecgfounder") is not None
    with pytest.raises(UsageError, match="no published family has it"):
        published_card("ecgfounder/3-lead")
