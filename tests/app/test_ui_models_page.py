"""The Models page: what is listed, found and ordered, and what a model's card says is not known."""

import pytest
from fake_models import FakeModels, codec
from window_cases import settle, shown

from app.core.changes import Changes
from app.ui.models_page import ModelsPage


@pytest.fixture
def workspace() -> FakeModels:
    return FakeModels()


@pytest.fixture
def page(qtbot, workspace, background) -> ModelsPage:
    return shown(qtbot, ModelsPage(workspace, background), background)


def names(page):
    return [model.name for model in page.list.rows.rows]


def line(page, name):
    columns = page.list.rows.columns
    return {
        column.title: column.text(model) for model in page.list.rows.rows if model.name == name for column in columns
    }


def look_at(qtbot, page, name):
    page.show_item(name)
    settle(qtbot, page.background)
    return page.view


def test_models_are_listed_the_newest_first_and_the_newest_is_shown(page):
    assert names(page) == ["box", "resnet", "codec v6", "codec v1", "demo"]
    assert page.view.heading.text() == "box"


def test_a_line_tells_format_output_licence_isolation_and_marks(page):
    told = line(page, "codec v6")
    assert (told["Version"], told["Product"], told["Source"], told["Output"]) == ("6", "codec", "ONNX", "logits")
    assert (told["Licence"], told["Isolation"]) == ("Apache-2.0", "in the sandbox")
    assert line(page, "resnet")["Licence"] == "CC-BY-NC, non-commercial"
    assert line(page, "resnet")["Isolation"] == "numbers only, no code"
    assert "runs outside any sandbox" in line(page, "box")["Marks"]
    assert line(page, "demo")["Marks"] == ""


def test_words_of_the_search_may_stand_in_any_column(page):
    page.search.setText("codec onnx apache")
    assert names(page) == ["codec v6", "codec v1"]
    page.search.setText("codec declines everything")
    assert names(page) == []


def test_a_heading_orders_then_turns_round_then_goes_back(page):
    page.list.order_by(0)
    assert names(page) == ["box", "codec v1", "codec v6", "demo", "resnet"]
    page.list.order_by(0)
    assert names(page)[0] == "resnet"
    page.list.order_by(0)
    assert names(page)[0] == "box"


def test_another_page_may_ask_for_a_model_that_a_search_has_hidden(qtbot, page):
    page.search.setText("codec")
    look_at(qtbot, page, "resnet")
    assert page.search.text() == ""
    assert page.list.current().name == "resnet"


def test_a_model_that_is_added_is_brought_into_view(qtbot, page, workspace):
    workspace.cards.append(codec("7"))
    page.show_item("codec v7")
    page.background.changed.emit(Changes.MODELS)
    page.refresh(Changes.MODELS)
    settle(qtbot, page.background)
    assert page.view.heading.text() == "codec v7"


def test_the_card_tells_what_is_known_declined_and_missing(qtbot, page):
    card = look_at(qtbot, page, "codec v6").card
    told = {one.title: one.told for one in card.table.rows.rows}
    assert told["Whom it is meant for, as rules"] == "Age 18 years or more; No pacemaker"
    assert told["Population"] == "Vendor declined"
    assert told["Intended use"] == "Missing"
    assert told["rhythm"].startswith("logits of sinus, avb, paced")
    assert "1 vendor declined" in card.finding.title.text()
    card.only.setChecked(True)
    assert {one.state for one in card.table.rows.rows} == {"declined", "missing"}


def test_a_value_that_its_maker_declined_to_tell_is_called_an_assumption(qtbot, page, workspace):
    workspace.cards.append(codec("8", declined=("preprocessing.rate_hz",)))
    page.refresh(Changes.MODELS)
    told = {one.title: one.told for one in look_at(qtbot, page, "codec v8").card.table.rows.rows}
    assert told["Sampling rate"] == "Assumed, vendor declined: 500 Hz"


def test_fields_of_our_own_models_are_no_findings(qtbot, page):
    card = look_at(qtbot, page, "demo").card
    assert card.finding.isHidden()
    assert card.only.isHidden()


def test_a_card_of_another_version_is_told_as_unreadable(qtbot, page, workspace, monkeypatch):
    rows = [one for one in workspace.models() if one.name == "demo"]
    rows[0].card.clear()
    monkeypatch.setattr(workspace, "models", lambda: rows)
    page.refresh(Changes.MODELS)
    view = look_at(qtbot, page, "demo")
    assert view.card.finding.title.text() == "Its card is not one that this version of Isoline reads"


def test_an_empty_workspace_says_what_can_be_brought(qtbot, background):
    page = shown(qtbot, ModelsPage(FakeModels([]), background), background)
    assert page.stack.currentIndex() == 1
    assert not page.can("models.find")
