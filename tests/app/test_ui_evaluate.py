"""The Evaluate page and its dialog: what is listed, what is told of one evaluation, what is asked for and started."""

from dataclasses import replace

import pytest
from evaluation_cases import by_sex, full_evaluation
from fake_workspace import MODELS, FakeWorkspace, job
from PySide6.QtCore import Qt
from window_cases import settle, shown

from app.core.rows import ModelRow, ProgressRow
from app.ui.evaluate_page import EvaluatePage
from app.ui.evaluation_facts import label_facts, subgroups_told, target_values, training_facts
from app.ui.evaluation_plan import Wish, cost_text
from app.ui.new_evaluation import NewEvaluation
from engine.contract.errors import WorldError
from engine.contract.evaluation import EvaluationSettings, KnownLeaks


@pytest.fixture
def workspace() -> FakeWorkspace:
    made = FakeWorkspace()
    made.answers["J0004"] = full_evaluation("demo")
    return made


@pytest.fixture
def page(qtbot, workspace, background) -> EvaluatePage:
    return shown(qtbot, EvaluatePage(workspace, background), background)


def look_at(qtbot, page, job_id):
    page.show_item(job_id)
    settle(qtbot, page.background)
    return page.view


def tabs_of(view):
    return [view.tabs.tabText(n) for n in range(view.tabs.count()) if view.tabs.isTabVisible(n)]


def test_evaluations_are_listed_the_newest_first_with_mode_and_macro(page):
    listed = page.table.rows.rows
    assert [row.job.job_id for row in listed] == sorted((row.job.job_id for row in listed), reverse=True)
    one = next(row for row in listed if row.job.job_id == "J0004")
    assert (one.text, one.score) == ("J0004  finetuned", "0.842")
    assert one.score_tip == "Macro AUROC 0.842 (0.782 to 0.902)"


def test_an_evaluation_under_way_tells_how_far_it_is_and_shows_no_numbers(qtbot, page, workspace):
    progress = ProgressRow(done=30, total=120, unit="records")
    workspace.rows["J0020"] = job("J0020", "evaluate", "demo", "running", progress=progress)
    page.refresh(page.watches)
    settle(qtbot, page.background)
    view = look_at(qtbot, page, "J0020")
    assert page.table.current().text == "J0020  Running  25 %  linear probe"
    assert view.stack.currentIndex() == 0
    assert page.stop_button.isEnabled()


def test_an_evaluation_says_on_whom_and_how_and_tells_its_first_numbers(qtbot, page):
    view = look_at(qtbot, page, "J0004")
    told = view.about.text()
    assert told.startswith("Task ptbxl-super. Finetuned. 1,155 recordings of 150 patients, held-out test patients")
    assert [row.group for row in view.summary.intervals.rows.rows] == ["macro", "MI", "HYP"]
    assert {"Summary", "Numbers", "ROC", "Calibration", "Decision", "Few labels", "Subgroups", "Notes"} <= set(
        tabs_of(view)
    )


def test_the_chosen_label_is_told_in_every_tab(qtbot, page):
    view = look_at(qtbot, page, "J0004")
    assert view.label.currentData() == "MI"
    assert [line.group.group for line in view.groups.table.rows.rows] == ["female", "unknown"]
    view.summary.intervals.selectRow(2)
    assert view.label.currentData() == "HYP"
    assert view.groups.table.rows.rows == []
    assert view.summary.facts.rows.rows[0].value == "not estimable: no positive recording"
    view.label.setCurrentIndex(view.label.findData("MI"))
    assert view.summary.intervals.current().group == "MI"


def test_tabs_without_anything_in_them_are_left_out(qtbot, page):
    view = look_at(qtbot, page, "J0003")
    assert not {"Numbers", "Few labels"} & set(tabs_of(view))
    assert "ROC" in tabs_of(view)


def test_measured_numbers_alone_show_no_tabs_of_labels_but_their_groups(qtbot, page, workspace):
    target = full_evaluation().targets[0].model_copy(update={"subgroups": [by_sex("age", "mean absolute error")]})
    alone = full_evaluation().model_copy(update={"labels": [], "targets": [target], "few_labels": None})
    workspace.answers["J0005"] = alone
    view = look_at(qtbot, page, "J0005")
    assert tabs_of(view) == ["Summary", "Numbers", "Subgroups", "Notes"]
    assert view.numbers.rows.as_text("|").splitlines()[1].startswith("heart rate (1/min)|4.200 (4.150 to 4.250)")
    assert [line.attribute for line in view.groups.table.rows.rows] == ["age", "age"]
    assert not view.label.isVisible()


def test_the_worst_mistakes_lead_to_their_traces(qtbot, page):
    view = look_at(qtbot, page, "J0004")
    told = view.failures.table.rows.as_text("|").splitlines()
    assert told[1:] == [
        "False positive|r1|0.97|scores above 90 % of the recordings with the label|||",
        "False negative|r2|0.02|scores below 95 % of the recordings without it|||",
    ]
    view.failures.table.selectRow(1)
    with qtbot.waitSignal(page.go_to) as asked:
        view.failures.open_button.click()
    assert asked.args == ["Records", "r2"]
    view.label.setCurrentIndex(view.label.findData("HYP"))
    assert view.failures.table.rows.rows == []


def test_a_leak_stands_above_the_numbers(qtbot, page, workspace):
    leaks = KnownLeaks(verdict="leaks", findings=["2 recordings of test have copies"], unsearched=["Nobody looked"])
    workspace.answers["J0005"] = full_evaluation().model_copy(update={"leaks": leaks})
    view = look_at(qtbot, page, "J0005")
    assert view.warning.isVisible()
    assert view.warning.title.text() == "Leak: 2 recordings of test have copies."
    look_at(qtbot, page, "J0004")
    assert not view.warning.isVisible()


def test_what_is_shown_already_is_not_read_again(qtbot, page, workspace, monkeypatch):
    look_at(qtbot, page, "J0004")
    rows = workspace.evaluations()
    monkeypatch.setattr(workspace, "evaluations", lambda: rows)
    monkeypatch.setattr(workspace, "results", lambda job_id: pytest.fail("read again"))
    page.refresh(page.watches)
    settle(qtbot, page.background)


def test_the_button_beside_the_name_leads_to_config_and_log(qtbot, page):
    view = look_at(qtbot, page, "J0004")
    with qtbot.waitSignal(page.go_to) as asked:
        view.head.log.click()
    assert asked.args == ["Runs", "J0004"]


def facts_of(label):
    return {fact.name: fact.value for fact in label_facts(label)}


def test_a_label_is_told_with_its_threshold_calibration_and_worth():
    told = facts_of(full_evaluation().labels[0])
    assert told["Threshold"] == "0.4 (largest Youden index, chosen on training patients)"
    assert told["Calibration slope"] == "1.070 (1.020 to 1.120), ideal 1"
    assert told["Worth acting on"] == "at risks of 0.10 to 0.20"
    assert told["Correction offered"].startswith("intercept, Brier −0.010")
    assert told["At a prevalence of 2 %"].startswith("PPV 0.842")
    assert told["At a prevalence of 2 %"].endswith("0.8 alerts per 100")
    assert facts_of(full_evaluation().labels[1])["Threshold"] == "none: no positives"


def test_groups_numbers_and_training_are_told_in_words():
    results = full_evaluation()
    told = subgroups_told(results.labels[0].subgroups)
    assert "Fewer than 10 patients" in told
    assert "corrected by Holm" in told
    assert "No subgroups" in subgroups_told([])
    assert target_values(results.targets[0])["Limits of agreement"] == "−11 to 10.2"
    trained = {fact.name: fact.value for fact in training_facts(results.training, results.checkpoint)}
    assert trained["Trained for test"] == "epoch 2 of 3, 0.810 on validation patients"
    assert trained["Trained model"].startswith("checkpoints/test")


# The dialog.


@pytest.fixture
def dialog(qtbot, page) -> NewEvaluation:
    made = page.new_evaluation()
    settle(qtbot, page.background)
    return made


def reckoned(qtbot, dialog):
    """What stands below the form once nothing is asked any more."""
    dialog._pause.stop()
    dialog._reckon()
    settle(qtbot, dialog.background)
    return dialog.cost.text()


def test_a_pretrained_model_and_all_labels_are_ticked_first(dialog):
    assert dialog.models.get() == ["demo"]
    assert dialog.modes.get() == ["linear"]
    assert len(dialog.labels.get()) == 4
    assert dialog.targets.get() == []
    assert dialog.start.isEnabled()


def test_every_model_is_started_in_every_mode_that_it_can_take(qtbot, dialog, workspace):
    dialog.models.put(list(MODELS))
    dialog.modes.put(["linear", "finetune"])
    dialog.labels.put(["MI"])
    assert dialog.start.text() == "Start 5 evaluations"
    with qtbot.waitSignal(dialog.launched):
        dialog.start.click()
    assert [call[:4] for call in workspace.calls] == [
        ("evaluate", model, "all", ("MI",)) for model in MODELS for _ in range(1 if model == "age + sex" else 2)
    ]


def test_the_cost_of_all_of_them_is_told_before_they_start(qtbot, dialog):
    dialog.models.put(["random S4", "age + sex"])
    dialog.modes.put(["linear", "frozen"])
    told = reckoned(qtbot, dialog)
    assert told.startswith("3 evaluations, one after the other on 140 recordings, 300 recordings to embed, 5 trainings")
    assert "about 3 min 15 s" in told
    assert "Frozen, attention pooling leaves out age + sex: it does not fit." in told


def test_a_task_of_the_study_names_labels_itself(qtbot, dialog, workspace):
    assert [dialog.task.itemData(row) for row in range(dialog.task.count())] == ["", "ptbxl-super"]
    assert dialog.task.itemText(1) == "PTB-XL superclasses  (4 of 5 labels, 140 recordings)"
    dialog.labels.put([])
    assert not dialog.start.isEnabled()
    dialog.task.setCurrentIndex(1)
    assert not dialog.labels.isVisibleTo(dialog)
    with qtbot.waitSignal(dialog.launched):
        dialog.start.click()
    assert workspace.calls == [("evaluate", "demo", "all", "ptbxl-super", 2000, 0, True)]


def test_what_the_workspace_would_refuse_is_told_before_the_start(qtbot, dialog, workspace, monkeypatch):
    refusal = WorldError("cohort all", "9 of its recordings are too short", "Choose another model")
    monkeypatch.setattr(workspace, "evaluation_cost", lambda *_args, **_more: (_ for _ in ()).throw(refusal))
    reckoned(qtbot, dialog)
    assert dialog.fault.text() == "Cohort all: 9 of its recordings are too short. Choose another model."


def test_local_prevalences_stand_in_the_settings_of_runs_that_have_the_label(qtbot, dialog):
    dialog.labels.put(["MI"])
    dialog.prevalence.setChecked(True)
    qtbot.keyClicks(dialog.prevalence.lines["MI"], "2")
    assert dialog.wish.settings_of(dialog.wish.models[0], "linear").local_prevalence == {"MI": (0.02,)}
    qtbot.keyClicks(dialog.prevalence.lines["MI"], "00")
    assert not dialog.start.isEnabled()
    assert dialog.cost.text().startswith("Prevalence of MI: more than 0 and less than 100, as")
    dialog.task.setCurrentIndex(1)
    assert not dialog.prevalence.isVisibleTo(dialog)
    assert dialog.start.isEnabled()
    assert dialog.wish.settings_of(dialog.wish.models[0], "linear").local_prevalence == {}


def test_settings_show_only_where_a_ticked_mode_heeds_them(dialog):
    training, few = dialog.form.part("training"), dialog.form.part("few_labels")
    assert (training.isVisibleTo(dialog), few.isVisibleTo(dialog)) == (False, True)
    dialog.modes.put(["finetune"])
    assert (training.isVisibleTo(dialog), few.isVisibleTo(dialog)) == (True, False)


def test_without_a_tick_it_says_what_is_missing(dialog):
    dialog.models.put([])
    dialog.labels.put([])
    assert not dialog.start.isEnabled()
    assert dialog.cost.text() == "Tick a model and a label."
    dialog.models.put(["age + sex"])
    dialog.labels.put(["MI"])
    dialog.modes.put(["finetune"])
    assert dialog.cost.text() == "Nothing to start: tick a model and a mode that it can take."


def test_each_run_is_told_only_settings_that_mean_something_to_it(workspace):
    network, scores = workspace.models()[0], workspace.add_predictions(workspace.path / "vendor.csv")
    values = {"few_labels": {"repeats": 7}, "training": {"epochs": 3, "keep_model": True}, "resamples": 300}
    wish = Wish([network, scores], ["linear", "frozen", "finetune"], "all", ("MI",), (), "", values)
    assert [mode for _, mode in wish.pairs] == ["linear", "frozen", "finetune", "linear"]
    linear, frozen, finetuned = (wish.settings_of(network, mode) for mode in wish.modes)
    assert [one.keep_for for one in (linear, frozen, finetuned)] == [("frozen",), (), ()]
    assert wish.settings_of(scores, "linear").keep_for == ()
    assert linear.training == EvaluationSettings().training
    assert linear.few_labels.repeats == 7
    assert (frozen.few_labels, frozen.training.epochs, frozen.training.keep_model) == (None, 3, False)
    assert finetuned.training.keep_model
    assert wish.settings_of(scores, "linear").few_labels is None


def test_only_random_weights_are_trained_from_scratch(workspace):
    wish = Wish(workspace.models(), ["supervised"], "all", ("MI",), (), "", {})
    assert [model.name for model, _ in wish.pairs] == ["random S4"]
    assert wish.left_out == ["supervised from scratch leaves out demo, age + sex"]


def test_a_cost_that_is_known_in_part_says_so(workspace):
    known = workspace.evaluation_cost("random S4", "all", ["MI"], EvaluationSettings())
    unknown = workspace.evaluation_cost("demo", "all", ["MI"], EvaluationSettings())
    assert "about 1 min 05 s for 1 of them, the others are not known yet" in cost_text([known, unknown], [])
    assert "time not known yet" in cost_text([unknown], [])


def vendor(name="vendor", kinds=("logits", "embedding")):
    outputs = [{"name": kind, "kind": kind, "classes": ["MI", "afib"] * (kind != "embedding")} for kind in kinds]
    card = {"outputs": outputs, "source": "external"}
    return ModelRow(name=name, version="1", source="external", sha256="0" * 64, created="", card=card, job_id="")


def test_a_vendors_model_answers_by_its_own_outputs_or_is_probed_as_its_outputs_allow(workspace):
    both, answers, embedding = vendor(), vendor("answers", ["logits"]), vendor("embedding", ["embedding"])
    wish = Wish([both, answers, embedding, *workspace.models()], ["linear", "own"], "all", ("MI",), (), "", {})
    own = [model.name for model, mode in wish.pairs if mode == "own"]
    probed = [model.name for model, mode in wish.pairs if mode == "linear"]
    assert own == ["vendor", "answers"]
    assert "answers" not in probed
    assert {"vendor", "embedding", "demo"} <= set(probed)


def test_of_own_outputs_only_labels_that_a_class_answers_are_asked(workspace):
    wish = Wish([vendor()], ["own"], "all", ("MI", "AFIB", "HYP"), ("age",), "", {"training": {"epochs": 3}})
    assert wish.labels_of(vendor(), "own") == ("MI", "AFIB")
    assert wish.labels_of(vendor(), "linear") == ("MI", "AFIB", "HYP")
    assert wish.predicted_by(vendor(), "own")["targets"] == ()
    chosen = replace(wish, classes={"HYP": "logits: MI", "MI": "another: X"})
    assert chosen.labels_of(vendor(), "own") == ("MI", "AFIB", "HYP")
    settings = chosen.settings_of(vendor(), "own")
    assert settings.classes == {"HYP": "logits: MI"}
    assert settings.training == EvaluationSettings().training


def test_the_dialog_asks_which_class_answers_once_own_outputs_are_ticked(qtbot, dialog):
    dialog._added(vendor())
    dialog.models.put(["vendor"])
    dialog.modes.put(["own"])
    dialog.labels.put(["MI", "NORM"])
    assert dialog.classes.isVisibleTo(dialog)
    assert {label: choice.currentText() for label, choice in dialog.classes.choices.items()} == {
        "MI": "the class of its own name",
        "NORM": "no class has its name: choose one",
    }
    dialog.classes.choices["NORM"].setCurrentIndex(2)
    assert dialog.wish.classes == {"NORM": "logits: afib"}
    dialog.labels.put(["NORM"])
    assert dialog.classes.value() == {"NORM": "logits: afib"}
    assert not dialog.form.part("training").isVisibleTo(dialog)
    dialog.modes.put(["linear"])
    assert not dialog.classes.isVisibleTo(dialog)


def test_a_threshold_read_off_the_roc_lists_its_nearest_mistakes_and_moves_the_workbench(qtbot, page, background):
    look_at(qtbot, page, "J0004")
    view, tab = page.view, page.view.curves.tabs["ROC"]
    view.tabs.setCurrentWidget(tab)
    settle(qtbot, background)
    near = view.curves.beside[tab]
    assert near.rows.rows == []
    spot = tab.view.sheet.spot_of(*tab.view.figure.drawing.place(1 / 173, 10 / 27))
    qtbot.mouseClick(tab.view.sheet, Qt.MouseButton.LeftButton, pos=spot)
    settle(qtbot, background)
    assert "at threshold 0.9: sensitivity 0.370, specificity 0.994, PPV 0.909" in tab.reading.text()
    assert near.isVisible()
    assert "lists the recordings" not in tab.reading.text()
    assert (near.rows.rows[0].mistake, near.rows.rows[0].one.score) == ("missed", pytest.approx(0.89))
    assert view.thresholds.threshold.text() == "Positive from score 0.9"
    near.choose(near.rows.identity(near.rows.rows[0]))
    with qtbot.waitSignal(page.go_to) as told:
        near.activated.emit(near.currentIndex())
    assert told.args == ["Records", near.rows.rows[0].one.record]
    page.resize(820, 560)
    assert not near.isVisible()
    assert tab.reading.text().endswith("The tab Threshold lists the recordings next to it.")


def test_scores_that_are_gone_are_told_when_a_curve_is_read(qtbot, page, workspace, background):
    workspace.scoreless.add("J0004")
    look_at(qtbot, page, "J0004")
    tab = page.view.curves.tabs["ROC"]
    page.view.tabs.setCurrentWidget(tab)
    settle(qtbot, background)
    with qtbot.waitSignal(background.failed) as told:
        qtbot.keyClick(tab.view.sheet, Qt.Key.Key_Right)
    assert "its scores are missing or damaged" in str(told.args[0])
    assert "at threshold 0.4" in tab.reading.text()
