"""The Models page: what is listed, found and ordered, and what a model's card says is not known."""

from dataclasses import replace
from pathlib import Path

import pytest
from fake_models import FakeModels, codec
from fake_workspace import job
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel
from window_cases import settle, shown

from app.core.changes import Changes
from app.core.model_lineage import LineageEdge, LineageGraph, LineageNode
from app.ui.model_lineage_layout import depths, lay_out
from app.ui.models_page import ModelsPage
from app.ui.theme import current
from engine.contract.sandbox import SandboxState


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


def scored(workspace, number, model):
    """A finished evaluation of a model on the cohort "all"."""
    workspace.rows[number] = replace(job(number, "evaluate", "demo", "done"), model=model, cohort="all")


def test_versions_are_compared_by_evaluations_on_the_same_cohort(qtbot, page, workspace):
    for number, model in (("J0030", "codec v6"), ("J0031", "codec v1"), ("J0032", "demo")):
        scored(workspace, number, model)
    workspace.rows["J0033"] = replace(workspace.rows["J0030"], job_id="J0033", cohort="another")
    look_at(qtbot, page, "codec v6")
    assert page.can("models.versions")
    dialog = page.view.ask_comparison()
    settle(qtbot, page.background)
    assert [dialog.old.itemData(row) for row in range(dialog.old.count())] == ["J0031", "J0033", "J0030"]
    assert [dialog.new.itemData(row) for row in range(dialog.new.count())] == ["J0030"]
    dialog.form.editor("margin").put(0.05)
    with qtbot.waitSignals([dialog.launched, page.go_to]):
        dialog.start.click()
    assert workspace.calls[-1][:3] == ("compare_versions", "J0031", "J0030")
    assert workspace.calls[-1][3]["margin"] == 0.05


def test_comparisons_of_versions_are_listed_and_lead_to_what_they_found(qtbot, page, workspace):
    view = look_at(qtbot, page, "codec v6")
    assert view.versions.comparisons.isHidden()
    workspace.rows["J0040"] = job("J0040", "version", "codec v6 in place of codec v1", "done")
    page.refresh(Changes.JOBS)
    settle(qtbot, page.background)
    assert [row.job_id for row in view.versions.comparisons.rows.rows] == ["J0040"]
    view.versions.comparisons.choose("J0040")
    with qtbot.waitSignal(page.go_to) as gone:
        view.versions.comparisons.activated.emit(view.versions.comparisons.currentIndex())
    assert gone.args == ["Runs", "J0040"]


def test_recordings_that_a_model_is_not_meant_for_are_counted_by_cohort(qtbot, page, workspace):
    told = look_at(qtbot, page, "codec v6").card.off_label
    assert not told.isHidden()
    assert told.text.text().startswith("Cohort all: 12 off label and 1 not known, of 140 recordings (age 18..: 12 off")
    assert look_at(qtbot, page, "codec v1").card.off_label.isHidden()
    look_at(qtbot, page, "codec v6")
    workspace.outside = 30
    page.refresh(Changes.COHORTS)
    settle(qtbot, page.background)
    assert "30 off label" in told.text.text()
    assert told.title.text() == "Not meant for some recordings here"
    workspace.outside = 0
    page.refresh(Changes.COHORTS)
    settle(qtbot, page.background)
    assert told.title.text() == "Not certainly meant for some recordings here"


def test_versions_that_nobody_has_evaluated_say_what_to_do_first(qtbot, page):
    look_at(qtbot, page, "codec v6")
    dialog = page.view.ask_comparison()
    settle(qtbot, page.background)
    assert not dialog.start.isEnabled()
    assert "Evaluate both versions first" in dialog.fault.text()
    dialog.reject()


def test_a_model_without_a_product_has_no_versions(qtbot, page):
    view = look_at(qtbot, page, "resnet")
    assert "No other version" in view.versions.told.text()
    assert not view.versions.compare.isEnabled()


def said(view):
    return view.isolation.accessibleDescription()


def test_licence_and_isolation_are_told_in_words(qtbot, page):
    resnet = said(look_at(qtbot, page, "resnet"))
    assert "It forbids commercial use. Used here all the same, because: A test." in resnet
    assert "no code" in resnet
    box = said(look_at(qtbot, page, "box"))
    assert "Isoline sends it windows of recordings" in box
    assert "Nobody has told under which licence" in box
    assert "What isolates it here" not in box
    codec6 = look_at(qtbot, page, "codec v6")
    assert "By bubblewrap." in said(codec6)
    assert "It has no network" in said(codec6)
    assert codec6.agree.isHidden()


def test_no_line_of_licence_and_isolation_is_cut_off(qtbot, page):
    view = look_at(qtbot, page, "codec v6")
    view.tabs.setCurrentWidget(view.sandbox)
    for width in (700, 1000, 1400):
        page.resize(width, 800)
        qtbot.wait(20)
        labels = [one for one in view.isolation.widget().findChildren(QLabel) if one.wordWrap()]
        assert labels
        assert all(one.height() >= one.heightForWidth(one.width()) for one in labels)


def test_an_incomplete_sandbox_is_named_and_asks_for_a_word_that_is_kept(qtbot, page, workspace):
    workspace.sandbox = SandboxState(means=("landlock",), complete=False, missing=("it can reach the network",))
    view = look_at(qtbot, page, "codec v6")
    assert "What does not isolate it here\nIt can reach the network." in said(view)
    assert "not run here before somebody agrees" in said(view)
    dialog = view.ask_agreement()
    assert not dialog.go.isEnabled()
    dialog.read.setChecked(True)
    dialog.go.click()
    settle(qtbot, page.background)
    page.refresh(Changes.MODELS)
    settle(qtbot, page.background)
    assert workspace.agreed == {"codec v6"}
    assert "Somebody agreed to run it all the same" in said(view)
    assert view.agree.isHidden()


def tabs_of(view):
    return [view.tabs.tabText(n) for n in range(view.tabs.count()) if view.tabs.isTabVisible(n)]


def test_a_model_that_is_not_vetted_says_what_vetting_is(qtbot, page):
    view = look_at(qtbot, page, "codec v6")
    assert view.vetting.text() == "Not vetted yet"
    assert not {"Parity", "Sensitivity"} & set(tabs_of(view))
    assert view.contract.currentIndex() == 0
    assert "Contract" not in tabs_of(look_at(qtbot, page, "demo"))
    assert not page.can("models.vet")


def test_a_vetting_tells_lint_parity_and_what_nobody_would_notice(qtbot, page, workspace):
    workspace.add_vetting("codec v6")
    page.refresh(Changes.JOBS)
    view = look_at(qtbot, page, "codec v6")
    lint = view.lint.table.rows
    assert [line.kind for line in lint.rows] == ["blocking", "note", "unchecked", "passed"]
    assert lint.rows[0].found == "signal: it takes 5,000"
    assert view.lint.tiles.texts()["Parity"] == "not met"
    assert view.lint.tiles.texts()["Silent faults"] == "1"
    parity = view.parity.table.rows.as_text("|").splitlines()[1]
    assert parity.startswith("rhythm|no|0.2 (limit 0.001)|96 numbers of 16 recordings")
    told = {fact.name: fact.value for fact in view.parity.facts.rows.rows}
    assert told["Not compared"] == "Beat: the file tells none."
    assert told["00003_hr"] == "1 window. rhythm: afib 0.020"
    items = view.sensitivity.table.rows
    assert [item.name for item in items.rows] == ["rate", "polarity", "clip"]
    red, plain = (items.data(items.index(line, 0), Qt.ItemDataRole.ForegroundRole) for line in (0, 1))
    assert red == QColor(current().bad)
    assert plain is None
    assert items.as_text("|").splitlines()[1] == "Read at 250 Hz|works, only worse|30 %||−0.120 (−0.200 to −0.050)"


def test_without_labels_nobody_says_that_no_fault_is_silent(qtbot, page, workspace):
    workspace.add_vetting("codec v6")
    told = workspace.vetted["codec v6"]
    blind = told.sensitivity.model_copy(update={"clean": None})
    workspace.vetted["codec v6"] = told.model_copy(update={"sensitivity": blind})
    page.refresh(Changes.JOBS)
    view = look_at(qtbot, page, "codec v6")
    assert view.lint.tiles.texts()["Silent faults"] == "not known"
    assert "not known without labels" in view.sensitivity.told.text()


def test_a_vetting_under_way_is_told_beside_the_name(qtbot, page, workspace):
    workspace.rows["J0021"] = replace(job("J0021", "vet", "codec v1", "running"), model="codec v1")
    page.refresh(Changes.JOBS)
    assert look_at(qtbot, page, "codec v1").vetting.text() == "Vetting J0021: running"


def test_vetting_asks_which_class_answers_a_label_whose_name_the_model_does_not_know(qtbot, page, workspace):
    look_at(qtbot, page, "codec v6")
    dialog = page.view.ask_vetting()
    settle(qtbot, page.background)
    assert dialog.start.isEnabled()
    dialog.cohort.setCurrentIndex(1)
    dialog.labels.put(["MI"])
    assert "Say which class of the model answers: MI" in dialog.fault.text()
    choice = dialog.classes.choices["MI"]
    choice.setCurrentIndex(choice.findData("rhythm: afib"))
    dialog.reference.setText("numbers.csv")
    with qtbot.waitSignal(dialog.launched):
        dialog.start.click()
    asked = workspace.calls[-1]
    assert asked[1:6] == ("codec v6", "all", ["MI"], Path("numbers.csv"), {"MI": "rhythm: afib"})
    assert asked[6]["resamples"] == 2000


def test_the_shipped_ecgs_are_written_for_the_vendor(qtbot, page, workspace, tmp_path):
    look_at(qtbot, page, "codec v6")
    dialog = page.view.ask_vetting()
    dialog.export_golden(str(tmp_path))
    settle(qtbot, page.background)
    assert workspace.calls[-1] == ("export_golden", "codec v6", tmp_path / "golden codec v6")
    assert dialog.golden.text() == "1 file written"
    dialog.reject()
