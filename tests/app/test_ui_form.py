import pytest
from pydantic import BaseModel, Field
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit

from app.ui.form import SchemaForm
from app.ui.form_fields import ChoiceEditor, FlagEditor, ListEditor, NumberEditor, RangeEditor, TicksEditor
from app.ui.form_words import limits_of, story_of, title_of
from app.ui.pretrain_form import FOLDED, OF_THE_PARENT, SECTIONS, device_options, of_parent, pretrain_form
from engine.contract.config import (
    EvaluateConfig,
    PretrainConfig,
    ProbeConfig,
    StressConfig,
    TransformerConfig,
    parse_config,
)

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
    assert title_of("window_s") == "Crop length"
    assert title_of("batch_size") == "Batch size"


def test_a_description_stands_beside_its_field_and_in_its_tooltip_with_the_limits(pretrain):
    assert pretrain.note("batch_size") == "Crops per optimiser step, over all devices."
    assert "At least 1, at most 65,536" in pretrain.editor("batch_size").toolTip()
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
    assert pretrain.note("batch_size") == "Crops per optimiser step, over all devices."
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
    assert pretrain.faults == "A crop of 0.05 s gives 6 tokens, cpc needs 16."


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
    form = SchemaForm(StressConfig, only=("labels", "resamples", "seed"), options={"labels": LABELS})
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


# Choices between config classes, and groups that may be absent.


def choose(form: SchemaForm, path: str, tag: str) -> None:
    combo = form.part(path).choice.combo
    combo.setCurrentIndex(combo.findData(tag))


@pytest.mark.parametrize("objective", ["cpc", "jepa", "data2vec", "dinosr", "hubert"])
@pytest.mark.parametrize("backbone", ["s4", "transformer", "net1d"])
def test_every_pair_of_the_schema_can_be_chosen_and_its_defaults_are_those_of_the_schema(pretrain, backbone, objective):
    choose(pretrain, "backbone", backbone)
    choose(pretrain, "objective", objective)
    if "backbone.causal" in pretrain.paths():
        pretrain.editor("backbone.causal").put(True)
    config = PretrainConfig.model_validate(pretrain.value())
    assert config.backbone == type(config.backbone)(causal=True)
    assert config.objective == type(config.objective)()


def test_choices_are_named_as_people_write_them(pretrain):
    titles = {path: [pretrain.part(path).choice.combo.itemText(row) for row in range(3)] for path in ("backbone",)}
    assert titles == {"backbone": ["S4", "Transformer", "Net1D"]}
    combo = pretrain.part("objective").choice.combo
    assert [combo.itemText(row) for row in range(combo.count())] == ["CPC", "JEPA", "data2vec", "DinoSR", "HuBERT++"]


def test_only_the_fields_of_the_chosen_variant_are_live(pretrain):
    assert "backbone.state_size" in pretrain.paths()
    choose(pretrain, "backbone", "transformer")
    assert "backbone.heads" in pretrain.paths()
    assert "backbone.state_size" not in pretrain.paths()


def test_what_was_typed_into_a_variant_is_there_again_when_it_is_chosen_again(qtbot, pretrain):
    type_into(qtbot, pretrain, "objective.negatives", "32")
    choose(pretrain, "objective", "jepa")
    assert "negatives" not in pretrain.value()["objective"]
    choose(pretrain, "objective", "cpc")
    assert pretrain.value()["objective"]["negatives"] == 32


def test_a_fault_in_a_variant_stands_beside_its_field(qtbot, pretrain):
    choose(pretrain, "backbone", "transformer")
    type_into(qtbot, pretrain, "backbone.depth", "0")
    assert pretrain.errors["backbone.depth"] == "it must be at least 1"
    assert pretrain.note("backbone.depth") == "It must be at least 1."


def test_a_fault_between_two_fields_of_a_variant_stands_in_its_group(qtbot, pretrain):
    choose(pretrain, "objective", "data2vec")
    choose(pretrain, "backbone", "transformer")
    type_into(qtbot, pretrain, "backbone.heads", "7")
    assert pretrain.errors == {"backbone": "width 512 cannot be split into 7 heads of even size"}


def test_a_recipe_that_names_a_variant_chooses_it_and_leaves_the_rest_to_that_variants_defaults(pretrain):
    pretrain.set_value({"backbone": {"name": "transformer", "depth": 2}, "objective": {"name": "dinosr"}})
    config = PretrainConfig.model_validate(pretrain.value())
    assert config.backbone == TransformerConfig(depth=2)
    assert config.objective.name == "dinosr"


def test_a_range_is_two_numbers_and_its_fault_stands_beside_both(qtbot, pretrain):
    choose(pretrain, "objective", "jepa")
    pretrain.editor("backbone.causal").put(True)
    editor = pretrain.editor("objective.target_scale")
    assert isinstance(editor, RangeEditor)
    assert editor.get() == [0.15, 0.2]
    editor.last.selectAll()
    qtbot.keyClicks(editor.last, "wide")
    assert pretrain.errors == {"objective.target_scale": "a number is needed"}
    assert editor.last.property("wrong")


def test_a_list_of_whole_numbers_is_typed_with_commas(qtbot, pretrain):
    type_into(qtbot, pretrain, "objective.offsets", "2, 7, 14")
    assert PretrainConfig.model_validate(pretrain.value()).objective.offsets == (2, 7, 14)
    type_into(qtbot, pretrain, "objective.offsets", "2, 2")
    assert "offsets" in pretrain.errors["objective"]


def test_an_optional_number_is_none_while_its_line_is_empty(qtbot, pretrain):
    choose(pretrain, "objective", "jepa")
    assert pretrain.value()["objective"]["decay_end"] is None
    type_into(qtbot, pretrain, "objective.decay_end", "1")
    assert pretrain.value()["objective"]["decay_end"] == 1.0


def test_an_optional_choice_has_a_word_for_none(pretrain):
    choose(pretrain, "objective", "data2vec")
    combo = pretrain.editor("objective.teacher").combo
    assert [combo.itemText(row) for row in range(3)] == ["automatic", "follows the student", "frozen, random"]
    assert pretrain.value()["objective"]["teacher"] is None


def test_a_group_that_may_be_absent_is_none_until_it_is_ticked(pretrain):
    assert pretrain.value()["probe"] is None
    assert not [path for path in pretrain.paths() if path.startswith("probe.")]
    pretrain.part("probe").setChecked(True)
    assert PretrainConfig.model_validate(pretrain.value()).probe == ProbeConfig()
    assert "probe.every" in pretrain.paths()


def test_what_was_typed_into_a_group_stays_when_it_is_ticked_off_and_on(qtbot, pretrain):
    pretrain.part("probe").setChecked(True)
    type_into(qtbot, pretrain, "probe.every", "50")
    pretrain.part("probe").setChecked(False)
    assert pretrain.value()["probe"] is None
    pretrain.part("probe").setChecked(True)
    assert pretrain.value()["probe"]["every"] == 50


def test_a_fault_below_more_unfolds_it(qtbot):
    form = pretrain_form()
    qtbot.addWidget(form)
    form.show()
    decay = form.editor("weight_decay")
    assert not decay.isVisible()
    decay.line.setText("7")
    decay.changed.emit()
    assert decay.isVisible()
    assert form.note("weight_decay") == "It must be at most 1."


def test_the_form_of_a_pretraining_names_only_fields_that_there_are(qtbot):
    form = SchemaForm(PretrainConfig)
    qtbot.addWidget(form)
    known = set(PretrainConfig.model_fields)
    for tag in ("cpc", "jepa", "data2vec", "dinosr", "hubert"):
        choose(form, "objective", tag)
        known |= set(form.paths())
    for tag in ("transformer", "net1d"):
        choose(form, "backbone", tag)
        known |= set(form.paths())
    shown = set(PretrainConfig.model_fields) - {"kind", "contract", "store", "parent"}
    assert shown == {name for names in SECTIONS.values() for name in names}
    named = {name for names in SECTIONS.values() for name in names} | FOLDED | set(OF_THE_PARENT)
    assert named <= known


def test_cohorts_that_are_known_later_are_offered_then_and_one_that_is_gone_is_named(qtbot):
    form = pretrain_form()
    qtbot.addWidget(form)
    form.set_value({"probe": {"cohort": "ward 7"}})
    form.offer("probe.cohort", [("all", "all"), ("new", "new")])
    assert form.value()["probe"]["cohort"] == "ward 7"
    assert form.editor("probe.cohort").combo.currentText() == "ward 7 (not here)"


def test_a_gpu_is_offered_by_its_name_and_only_where_there_is_one():
    cpu, gpu = {"name": "cpu", "description": "8 threads"}, {"name": "cuda:0", "description": "NVIDIA H100"}
    assert [value for value, _text in device_options([cpu])] == ["auto", "cpu"]
    assert device_options([cpu, gpu])[2] == ("cuda", "GPU: NVIDIA H100")


def test_a_parent_settles_backbone_and_signal_and_its_objective_is_taken_over():
    settings = {"backbone": {"name": "net1d"}, "rate_hz": 500.0, "objective": "jepa", "clip_mv": 5.0}
    told = of_parent({"rate_hz": 240.0, "steps": 9, "objective": {"name": "cpc"}}, settings)
    assert (told["backbone"], told["rate_hz"], told["steps"]) == ({"name": "net1d"}, 500.0, 9)
    assert told["objective"] == {"name": "jepa"}


def test_the_story_of_a_class_has_no_reference_to_a_specification():
    assert story_of(TransformerConfig) == "Convolutional stem and pre-norm Transformer with rotary positions."
