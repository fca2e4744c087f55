"""The Models page: what is listed, found and ordered, and what a model's card says is not known."""

import pytest
from fake_models import FakeModels, codec, default_cards
from window_cases import settle, shown

from app.core.changes import Changes
from app.core.model_lineage import LineageEdge, LineageGraph, LineageNode
from app.ui.model_lineage_layout import depths, lay_out
from app.ui.model_rows import ListedModel
from app.ui.model_sandbox_words import passages
from app.ui.models_page import ModelsPage
from engine.contract.vetting import VettedSandbox


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
    assert told["Sampling rate"] == "Assumed: 500 Hz"


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


def test_a_lineage_is_drawn_and_listed_and_leads_on(qtbot, page):
    view = look_at(qtbot, page, "codec v6").lineage
    lines = {line.node.key: line.how for line in view.list.rows.rows}
    assert lines["corpus PTB-XL"] == "trained codec v6"
    assert lines["model child"] == "from codec v6"
    view.list.choose("run J0003")
    assert view.drawing.marked == "run J0003"
    with qtbot.waitSignal(page.go_to) as asked:
        view.list.activated.emit(view.list.currentIndex())
    assert asked.args == ["Evaluate", "J0003"]


def test_a_long_column_of_a_lineage_is_cut_and_says_so():
    graph = FakeModels().model_lineage("codec v1")
    made = lay_out(graph, 600)
    kinds = [one.node.kind for one in made.placed]
    # The child and twelve examinations share a column of eight.
    assert (kinds.count("model"), kinds.count("examination")) == (2, 7)
    assert [count for _, count in made.left_out] == [5]
    left = {one.node.kind: one.box.left() for one in reversed(made.placed)}
    assert left["corpus"] < made.placed[1].box.left() < left["examination"]
    assert not any(a.box.intersects(b.box) for a in made.placed for b in made.placed if a is not b)


def test_a_ring_in_a_lineage_does_not_hang_the_drawing():
    one, two = LineageNode("model a", "model", "a"), LineageNode("model b", "model", "b")
    ring = LineageGraph([one, two], [LineageEdge("model a", "model b", ""), LineageEdge("model b", "model a", "")])
    assert set(depths(ring)) == {"model a", "model b"}
    assert len(lay_out(ring, 500).placed) == 2


def test_versions_of_a_product_are_listed_and_lead_to_each_other(qtbot, page):
    view = look_at(qtbot, page, "codec v6")
    assert [model.name for model in view.versions.table.rows.rows] == ["codec v1", "codec v6"]
    view.versions.table.choose("codec v1")
    view.versions.table.activated.emit(view.versions.table.currentIndex())
    assert page.list.current().name == "codec v1"


def test_a_model_without_a_product_has_no_versions(qtbot, page):
    view = look_at(qtbot, page, "resnet")
    assert "No other version" in view.versions.told.text()
    assert not view.versions.compare.isEnabled()


def said(view):
    return view.sandbox.accessibleDescription()


def test_licence_and_isolation_are_told_in_words(qtbot, page):
    resnet = said(look_at(qtbot, page, "resnet"))
    assert "It forbids commercial use. Used here all the same, because: A test." in resnet
    assert "no code" in resnet
    box = said(look_at(qtbot, page, "box"))
    assert "Isoline sends it windows of recordings" in box
    assert "Nobody has told under which licence" in box
    assert "What isolates it here" not in box
    assert "Not looked at yet" in said(look_at(qtbot, page, "codec v6"))


def test_what_is_missing_of_the_sandbox_is_named():
    model = ListedModel(FakeModels().models()[2], default_cards()[2])
    whole = VettedSandbox(means=["bubblewrap"], complete=True)
    told = [one for passage in passages(model, whole, False) for one in passage.lines]
    assert "By bubblewrap." in told
    part = VettedSandbox(means=["landlock"], complete=False, missing=["it can reach the network"])
    lines = {passage.heading: passage.lines for passage in passages(model, part, False)}
    assert lines["What does not isolate it here"][0] == "It can reach the network."
    assert "before somebody agrees" in lines["What does not isolate it here"][1]
    agreed = {passage.heading: passage.lines for passage in passages(model, part, True)}
    assert "agreed to run it all the same" in agreed["What does not isolate it here"][1]
