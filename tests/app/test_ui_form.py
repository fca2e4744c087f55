import pytest
from pydantic import BaseModel, Field
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit

from app.ui.form import SchemaForm
from app.ui.form_fields import ChoiceEditor, FlagEditor, ListEditor, NumberEditor, TicksEditor, limits_of, title_of
from engine.contract.config import EvaluateConfig, PretrainConfig, parse_config

LABELS = [("NORM", "NORM  (44 of 140)"), ("MI", "MI  (31 of 140)"), ("STTC", "STTC  (28 of 140)")]


class Nothing(BaseModel):
    odd: dict[str, int] = Field(default_factory=dict)


@pytest.fixture
def pretrain(qtbot) -> SchemaForm:
    form = SchemaForm(PretrainConfig, hidden={"store"})
    qtbot.addWidget(form)
    return form


def type_into(qtbot, form: SchemaForm, path: str, text: str) -> None:
    line = form.editor(path).focusProxy()
    assert isinstance(line, QLineEdit)
    line.selectAll()
    qtbot.keyClicks(line, text)


def test_an_untouched_form_gives_the_defaults_of_the_schema(pretrain):
    assert PretrainConfig.model_validate(pretrain.value()) == PretrainConfig()
    assert pretrain.errors == {}


def test_every_field_that_can_be_chosen_has_a_row_and_fixed_ones_have_none(pretrain):
    paths = pretrain.paths()
    assert "backbone.width" in paths
    assert "objective.negatives" in paths
    assert not {"kind", "contract", "store", "backbone.name", "objective.name"} & set(paths)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("steps", NumberEditor),
        ("backbone.causal", FlagEditor),
        ("device", ChoiceEditor),
        ("backbone.stem_kernels", ListEditor),
    ],
)
def test_the_editor_fits_the_type_of_the_field(pretrain, path, kind):
    assert isinstance(pretrain.editor(path), kind)


def test_units_are_taken_from_the_end_of_the_name_and_shown_after_the_number(pretrain):
    assert [label.text() for label in pretrain.editor("window_s").findChildren(QLabel)] == ["s"]
    assert [label.text() for label in pretrain.editor("rate_hz").findChildren(QLabel)] == ["Hz"]
    assert [label.text() for label in pretrain.editor("clip_mv").findChildren(QLabel)] == ["mV"]
    assert title_of("window_s") == "Window"


def test_a_description_stands_beside_its_field_and_in_its_tooltip_with_the_limits(pretrain):
    assert pretrain.note("batch_size") == "Crops per optimiser step."
    assert "At least 1, at most 4,096" in pretrain.editor("batch_size").toolTip()
    assert limits_of(PretrainConfig.model_fields["clip_mv"]) == "more than 0, at most 100"


def test_a_wrong_value_is_told_beside_its_field_and_nowhere_else(qtbot, pretrain):
    type_into(qtbot, pretrain, "batch_size", "0")
    assert pretrain.errors == {"batch_size": "it must be at least 1"}
    assert pretrain.note("batch_size") == "It must be at least 1."
    assert pretrain.note("steps") == "Optimiser steps."


def test_text_where_a_number_belongs_is_told_in_plain_words(qtbot, pretrain):
    type_into(qtbot, pretrain, "backbone.width", "wide")
    assert pretrain.errors == {"backbone.width": "a whole number is needed"}


def test_a_message_goes_away_when_the_value_is_put_right(qtbot, pretrain):
    type_into(qtbot, pretrain, "batch_size", "0")
    type_into(qtbot, pretrain, "batch_size", "32")
    assert pretrain.errors == {}
    assert pretrain.note("batch_size") == "Crops per optimiser step."
    assert pretrain.value()["batch_size"] == 32


def test_a_fault_of_a_nested_group_is_told_in_that_group(qtbot, pretrain):
    type_into(qtbot, pretrain, "backbone.stem_strides", "2")
    assert "one entry per stem convolution" in pretrain.errors["backbone"]


def test_a_fault_of_the_whole_config_is_told_once(pretrain, qtbot):
    pretrain.editor("backbone.causal").box.setChecked(False)
    assert list(pretrain.errors) == [""]
    assert "causal backbone" in pretrain.errors[""]


def test_what_stands_in_the_way_is_told_in_sentences_wherever_in_the_form_it_is(qtbot, pretrain):
    assert pretrain.faults == ""
    type_into(qtbot, pretrain, "batch_size", "0")
    type_into(qtbot, pretrain, "steps", "many")
    assert pretrain.faults == "To put right: Batch size, Steps."


def test_a_fault_of_the_whole_config_is_among_what_stands_in_the_way(qtbot, pretrain):
    type_into(qtbot, pretrain, "window_s", "0.05")
    assert pretrain.faults == "A crop of 0.05 s gives 6 tokens, too few to predict 14 ahead."


def test_numbers_may_be_typed_with_thousands_marks_and_exponents(qtbot, pretrain):
    type_into(qtbot, pretrain, "steps", "12,000")
    type_into(qtbot, pretrain, "learning_rate", "1e-4")
    config = PretrainConfig.model_validate(pretrain.value())
    assert (config.steps, config.learning_rate) == (12_000, 1e-4)


def test_values_of_a_recipe_are_shown_and_hidden_ones_are_kept(pretrain):
    pretrain.set_value({"name": "demo", "store": "/data/store", "backbone": {"width": 64}, "steps": 90})
    config = parse_config(pretrain.value())
    assert isinstance(config, PretrainConfig)
    assert (config.name, config.store, config.backbone.width, config.steps) == ("demo", "/data/store", 64, 90)
    assert config.backbone.depth == 4


def test_a_form_of_some_fields_does_not_complain_of_the_others(qtbot):
    form = SchemaForm(EvaluateConfig, only=("labels", "resamples", "seed"), options={"labels": LABELS})
    qtbot.addWidget(form)
    assert form.paths() == ["labels", "resamples", "seed"]
    assert list(form.errors) == ["labels"]


def test_labels_are_ticked_with_the_keyboard(qtbot):
    form = SchemaForm(EvaluateConfig, only=("labels",), options={"labels": LABELS})
    qtbot.addWidget(form)
    form.show()
    ticks = form.editor("labels")
    assert isinstance(ticks, TicksEditor)
    ticks.list.setCurrentRow(1)
    with qtbot.waitSignal(form.changed):
        qtbot.keyClick(ticks.list, Qt.Key.Key_Space)
    assert form.value()["labels"] == ["MI"]
    assert form.errors == {}


def test_every_editor_has_an_accessible_name(pretrain):
    names = {path: pretrain.editor(path).focusProxy().accessibleName() for path in pretrain.paths()}
    assert [path for path, name in names.items() if not name] == []


def test_a_field_that_no_editor_stands_for_is_a_bug_and_says_so(qtbot):
    with pytest.raises(TypeError, match="no editor for field odd"):
        SchemaForm(Nothing)
