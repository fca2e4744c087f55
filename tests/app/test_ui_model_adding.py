"""Adding a vendor's model: what is told of its file, what its card's form asks, what stands against it."""

import json
import zipfile
from pathlib import Path

import pytest
from fake_models import RHYTHMS, FakeModels, codec
from onnx_files import write_onnx
from PySide6.QtCore import Qt
from window_cases import settle, shown

from app.core.file_outline import FileOutline
from app.core.onnx_outline import Port
from app.core.prediction_reading import Reading
from app.ui import model_file
from app.ui.add_model import AddModel
from app.ui.model_adding import AddExternal
from app.ui.model_card_form import CardForm
from app.ui.model_predictions import AddPredictions
from app.ui.models_page import ModelsPage
from engine.contract.errors import WorldError
from engine.contract.published_families import FAMILIES


@pytest.fixture
def workspace() -> FakeModels:
    return FakeModels()


@pytest.fixture
def graph(tmp_path) -> Path:
    return write_onnx(tmp_path / "codec.onnx", "signal", ("batch", "5000"), ("rhythm", ("batch", "5000", "6")))


@pytest.fixture
def dialog(qtbot, workspace, background, graph) -> AddExternal:
    made = AddExternal(workspace, background, None, [graph])
    qtbot.addWidget(made)
    made.show()
    settle(qtbot, background)
    return made


@pytest.fixture
def form(qtbot) -> CardForm:
    made = CardForm()
    qtbot.addWidget(made)
    return made


def write(qtbot, form, path, text):
    line = form.rows[path].editor.focusProxy()
    line.selectAll()
    qtbot.keyClicks(line, text)


def complete(qtbot, form):
    """Type what nothing runs without."""
    write(qtbot, form, "version", "6")
    write(qtbot, form, "preprocessing.rate_hz", "500")
    write(qtbot, form, "preprocessing.window_s", "10")
    form.put_field("preprocessing.leads", ["II"])
    form.put_field("outputs", [{"name": "rhythm", "kind": "logits", "classes": list(RHYTHMS), "over_time": "mean"}])


def test_what_is_not_told_is_missing_and_what_has_a_default_is_assumed(form):
    states = {path: row.state for path, row in form.rows.items()}
    assert states["licence"] == "missing"
    assert states["preprocessing.rate_hz"] == "missing"
    assert states["preprocessing.units"] == "assumed"
    assert states["product"] == "known"
    assert "preprocessing" not in form.value()


def test_what_is_typed_is_known_and_what_is_emptied_is_missing_again(qtbot, form):
    write(qtbot, form, "licence", "MIT")
    assert form.rows["licence"].state == "known"
    assert form.value()["licence"] == "MIT"
    qtbot.keyClick(form.rows["licence"].editor.focusProxy(), Qt.Key.Key_Backspace, Qt.KeyboardModifier.ControlModifier)
    assert form.rows["licence"].state == "missing"


def say(form, path, said):
    choice = form.rows[path].state_choice
    choice.setCurrentIndex(choice.findData(said))


def test_a_declined_field_is_listed_and_what_it_is_fed_all_the_same_is_assumed(qtbot, form):
    say(form, "population", "declined")
    say(form, "preprocessing.units", "declined")
    assert form.value()["declined"] == ["population", "preprocessing.units"]
    assert form.value()["preprocessing"] == {"units": "mV"}
    assert (form.rows["population"].state, form.rows["preprocessing.units"].state) == ("declined", "assumed")


def test_a_default_may_be_confirmed(form):
    say(form, "preprocessing.polarity", "known")
    assert form.value()["preprocessing"] == {"polarity": "as recorded"}


def test_the_form_says_what_is_missing_and_stops_when_nothing_is(qtbot, form):
    assert form.missing() == ["Name in this workspace", "Version or build", "Sampling rate", "Window", "Outputs"]
    write(qtbot, form, "name", "codec")
    complete(qtbot, form)
    assert form.missing() == []
    card = form.card()
    assert card.preprocessing.leads == ("II",)
    assert card.outputs[0].classes == RHYTHMS


def test_what_the_check_of_cards_refuses_is_told_beside_its_field(qtbot, form):
    write(qtbot, form, "name", "codec")
    complete(qtbot, form)
    form.put_field("preprocessing.filters", "something")
    assert "filter 'something' is not understood" in form.rows["preprocessing.filters"].note.text()
    assert "Filters" in form.missing()
    form.show_fault()
    assert form.tabText(form.currentIndex()) == "Input contract"


def test_a_licence_that_forbids_commercial_use_asks_for_a_reason(qtbot, form):
    assert form.rows["reason"].editor.isHidden()
    write(qtbot, form, "name", "codec")
    complete(qtbot, form)
    form.put_field("non_commercial", True)
    assert not form.rows["reason"].editor.isHidden()
    assert form.missing() == ["Reason to use it all the same"]
    write(qtbot, form, "reason", "due diligence")
    assert form.missing() == []


def test_constants_are_asked_for_only_where_the_normalisation_needs_them_and_may_be_pasted(qtbot, form):
    means = form.rows["preprocessing.means"]
    assert means.editor.isHidden()
    form.put_field("preprocessing.normalisation", "z-score per lead by constants")
    assert not means.editor.isHidden()
    means.editor.line.setText("[0.1 -0.2,\t3e-3; 4]")
    assert means.editor.get() == [0.1, -0.2, 0.003, 4.0]


def test_leads_are_put_in_order_by_keyboard(qtbot, form):
    editor = form.rows["preprocessing.leads"].editor
    editor.put(["I", "II", "V1"])
    editor.list.setCurrentRow(2)
    for _ in range(2):
        qtbot.keyClick(editor.list, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert editor.get() == ["V1", "I", "II"]
    assert form.rows["preprocessing.leads"].state == "known"


def test_a_card_comes_back_from_the_form_as_it_went_in(form):
    told = codec("6", eligibility=("age 18..", "paced no")).model_dump(mode="json", exclude_unset=True)
    form.put(told)
    card = form.card()
    assert card.eligibility == ("age 18..", "paced no")
    assert card.outputs == codec("6").outputs
    assert card.declined == ("population",)
    assert card.lineage.corpus == "LUDB, PTB-XL"


def test_a_graph_tells_its_ports_and_names_the_outputs(dialog):
    assert dialog.told.text().startswith("codec.onnx: ONNX graph, told by its content")
    assert "takes signal (batch × 5000) and gives rhythm (batch × 5000 × 6)" in dialog.form.graph.text()
    assert [panel.form.value()["name"] for panel in dialog.form.rows["outputs"].editor.panels] == ["rhythm"]
    assert dialog.form.rows["preprocessing.axes"].editor.get() == "batch time"
    assert not dialog.add.isEnabled()


def test_rules_offer_the_words_of_the_workspaces_recordings(dialog):
    rules = dialog.form.rows["eligibility"].editor.rules
    row = rules.add_rule("sex")
    row.editor.boxes["female"].click()
    assert dialog.form.value()["eligibility"] == ["sex female"]
    assert dialog.form.rows["eligibility"].state == "known"


def test_a_window_that_the_file_does_not_take_cannot_be_added(qtbot, dialog):
    complete(qtbot, dialog.form)
    assert dialog.add.isEnabled()
    write(qtbot, dialog.form, "preprocessing.window_s", "5")
    assert dialog.state.text() == "Rate times window are 2,500 samples, and the file takes 5,000."
    assert not dialog.add.isEnabled()


def test_a_complete_card_is_registered_with_its_findings_told_before(qtbot, dialog, workspace, graph):
    complete(qtbot, dialog.form)
    assert "of its card not known: each will be a finding" in dialog.state.text()
    with qtbot.waitSignal(dialog.added) as told:
        dialog.add.click()
    assert told.args[0].name == "codec"
    call = next(call for call in workspace.calls if call[0] == "add_external")
    assert call[1:3] == (graph, "codec")


def test_what_the_workspace_refuses_is_told_in_the_dialog_which_stays(qtbot, dialog, workspace):
    complete(qtbot, dialog.form)
    workspace.refuse = WorldError("model", "its files cannot be copied", "Free some space")
    dialog.add.click()
    settle(qtbot, dialog.background)
    assert dialog.trouble.title.text() == "Model: its files cannot be copied."
    assert dialog.isVisible()
    assert dialog.add.isEnabled()


def test_a_pickled_checkpoint_is_refused_with_the_way_to_convert_it(qtbot, dialog, tmp_path):
    pickled = tmp_path / "model.pt"
    pickled.write_bytes(b"\x80\x02}q\x00.")
    dialog.take([pickled])
    settle(qtbot, dialog.background)
    assert "pickled checkpoint" in dialog.trouble.title.text()
    assert "convert-checkpoint" in dialog.trouble.text.text()


def test_a_card_that_is_dropped_fills_the_form(qtbot, dialog, tmp_path):
    card = tmp_path / "card.json"
    card.write_text(json.dumps({"name": "from file", "licence": "declined", "preprocessing": {"rate_hz": 360}}))
    dialog.drop([card])
    settle(qtbot, dialog.background)
    assert dialog.form.rows["name"].editor.get() == "from file"
    assert dialog.form.rows["licence"].state == "declined"
    assert dialog.form.rows["preprocessing.rate_hz"].editor.get() == 360


def test_weights_of_a_published_network_fill_in_what_is_published(qtbot, dialog, tmp_path):
    weights = tmp_path / "weights.safetensors"
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    weights.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    dialog.take([weights])
    settle(qtbot, dialog.background)
    assert "its architecture" in dialog.state.text()
    write(qtbot, dialog.form, "developer", "somebody")
    dialog.architecture.setCurrentIndex(dialog.architecture.findData(FAMILIES[-1].architectures[0]))
    assert dialog.form.rows["lineage.corpus"].state == "known"
    assert dialog.form.rows["developer"].editor.get() == "somebody"
    assert "on layout only" in dialog.form.graph.text()


def test_a_service_needs_an_address_alone(qtbot, workspace, background):
    dialog = AddExternal(workspace, background, None)
    qtbot.addWidget(dialog)
    dialog.show()
    assert "its file, folder or address" in dialog.state.text()
    dialog.address.setText("http://127.0.0.1:8000/predict")
    write(qtbot, dialog.form, "name", "box")
    complete(qtbot, dialog.form)
    with qtbot.waitSignal(dialog.added):
        dialog.add.click()
    assert workspace.calls[-1] == ("add_external", None, "box", "http://127.0.0.1:8000/predict", ())


def test_the_page_takes_what_is_dropped_for_what_it_is(qtbot, workspace, background, graph, tmp_path):
    page = shown(qtbot, ModelsPage(workspace, background), background)
    page.accept_files([tmp_path / "scores.csv"])
    table = page.window().findChild(AddPredictions)
    assert table.path == tmp_path / "scores.csv"
    table.reject()
    page.accept_files([graph])
    settle(qtbot, background)
    dialog = page.window().findChild(AddExternal)
    assert dialog.look.format == "onnx"
    dialog.reject()


@pytest.fixture
def table(qtbot, workspace, background, tmp_path):
    page = shown(qtbot, ModelsPage(workspace, background), background)
    return page.add.add_scores(str(tmp_path / "rhythms.csv"))


def choose(table, kind):
    table.kind.setCurrentIndex(table.kind.findData(kind))


def test_predictions_say_what_they_are_and_what_follows(table):
    assert table.reading() == Reading()
    assert table.meaning.isHidden()
    choose(table, "flag")
    assert "no curve and no AUROC" in table.note.text()
    assert table.reading().kind == "flag"
    table.silent.setText("not classified, refused ,")
    assert table.reading().no_output == ("not classified", "refused")


def test_words_count_once_somebody_has_signed_what_they_mean(qtbot, table, workspace):
    choose(table, "category")
    table.meaning.setPlainText("AF=atrial fibrillation\nSR=\n")
    table.launch()
    assert "signed" in table.fault.text()
    table.signed_by.setText("Dr. Roe")
    known = table.reading().categories
    assert known.meanings == {"af": ("atrial fibrillation",), "sr": ()}
    with qtbot.waitSignal(table.added) as told:
        table.launch()
    assert told.args[0].name == "rhythms"


def test_the_menu_of_other_dialogs_leads_here(qtbot, workspace, background):
    button = AddModel(workspace, background)
    qtbot.addWidget(button)
    dialog = button.add_external()
    with qtbot.waitSignal(button.added):
        dialog.added.emit(workspace.models()[0])
    dialog.reject()


@pytest.fixture
def program(tmp_path) -> Path:
    """A TorchScript archive, as far as its names go."""
    path = tmp_path / "vendor.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("vendor/constants.pkl", b"")
        archive.writestr("vendor/code/main.py", b"")
    return path


def test_a_program_is_read_in_the_sandbox_when_somebody_asks(qtbot, dialog, program, monkeypatch):
    assert dialog.read.isHidden()
    dialog.take([program])
    settle(qtbot, dialog.background)
    assert not dialog.read.isHidden()
    ports = FileOutline((Port("x", ("?", "12", "300")),), (), 65)
    monkeypatch.setattr(model_file, "read_outline", lambda path, format: ports)
    dialog.read.click()
    settle(qtbot, dialog.background)
    assert "takes x (? × 12 × 300)" in dialog.form.graph.text()
    assert dialog.form.rows["lineage.parameters"].editor.get() == 65
    assert "output_0" in dialog.form.rows["outputs"].note.text()
    assert dialog.read.isHidden()


def test_a_program_that_cannot_be_read_may_still_be_added_by_hand(qtbot, dialog, program, monkeypatch):
    dialog.take([program])
    settle(qtbot, dialog.background)

    def refuse(path, format):
        raise WorldError("model file", "it hangs", "Ask its maker")

    monkeypatch.setattr(model_file, "read_outline", refuse)
    dialog.read.click()
    settle(qtbot, dialog.background)
    assert dialog.trouble.title.text() == "Model file: it hangs."
    assert dialog.read.isEnabled()
    complete(qtbot, dialog.form)
    assert dialog.add.isEnabled()
