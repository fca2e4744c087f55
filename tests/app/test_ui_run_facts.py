from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fake_training import estimate_results
from fake_workspace import FakeWorkspace, estimate, job

from app.core.rows import MetricSeries, ProgressRow
from app.ui.run_facts import (
    config_lines,
    estimate_words,
    facts,
    grouped,
    left_text,
    local_time,
    log_line,
    log_lines,
    loss_unit,
    progress_text,
    took_text,
    with_level,
)
from app.ui.run_view import head_text
from engine.contract.config import JEPAConfig, PretrainConfig, S4Config
from engine.contract.events import (
    Checkpoint,
    CollapseWatch,
    FileRead,
    Finished,
    Metric,
    Probed,
    Progress,
    Started,
    StudyRun,
    Warned,
)
from engine.contract.results import ProbeChange, ProbePoint, StudyRow


def named(pairs):
    return {fact.name: fact.value for fact in pairs}


def test_a_running_job_tells_share_and_time_left():
    row = job("J0002", "pretrain", "demo", "running", finished="", progress=ProgressRow(400, 800, "steps", "", 75.0))
    assert progress_text(row) == "400 of 800 steps (50 %)"
    assert left_text(row) == "1 min 15 s"


def test_a_job_that_does_not_run_has_no_time_left():
    row = job("J0006", "pretrain", "demo", "interrupted", progress=ProgressRow(212, 800, "steps", "", 75.0))
    assert left_text(row) == ""


def test_a_past_job_took_the_time_between_its_stamps_and_a_running_one_counts_on():
    assert took_text(job("J0001", "import", "x", "done")) == "1 min 12 s"
    going = job("J0002", "pretrain", "x", "running", finished="")
    assert took_text(going, datetime(2026, 11, 22, 9, 0, 31, tzinfo=UTC)) == "30 s"
    assert took_text(job("J0009", "evaluate", "x", "queued", started="", finished="")) == ""


def test_a_stamp_of_another_day_tells_the_day():
    stamp, day = "2026-11-20T12:00:00.000Z", datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert "Nov 2026" in local_time(stamp, day)
    assert local_time("") == ""


def test_a_training_says_how_far_below_the_trivial_level_its_held_out_loss_is():
    workspace = FakeWorkspace()
    told = named(facts(workspace.job_detail("J0002"), workspace.metrics("J0002")))
    gap = float(told["Trivial level"]) - float(told["Loss, held-out patients"])
    assert float(told["Better than trivial by"].removesuffix(" nats per prediction")) == pytest.approx(gap, abs=0.0011)


def test_a_training_that_is_no_better_than_trivial_says_not_yet():
    workspace = FakeWorkspace()
    chance = [series for series in workspace.metrics("J0002") if series.name == "trivial_loss"]
    same = [chance[0], type(chance[0])("loss", chance[0].steps, chance[0].values)]
    assert named(facts(workspace.job_detail("J0002"), same))["Better than trivial by"] == "not yet"


def test_an_evaluation_tells_each_label_with_its_interval():
    workspace = FakeWorkspace()
    told = named(facts(workspace.job_detail("J0003"), []))
    results = workspace.results("J0003")
    assert results is not None
    norm = results.labels[0].auroc
    assert told["AUROC NORM"] == f"{norm.value:.3f} ({norm.interval.low:.3f} to {norm.interval.high:.3f})"


def test_an_undefined_number_tells_its_reason_instead_of_a_value():
    assert estimate_words({"value": None, "not_estimable": "one class only"}) == "not estimable: one class only"


def test_a_config_is_told_in_dotted_names():
    lines = named(config_lines({"kind": "pretrain", "backbone": {"width": 64, "stem_kernels": [3, 1]}}))
    assert lines == {"kind": "pretrain", "backbone.width": "64", "backbone.stem_kernels": "3, 1"}


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            Started(kind="pretrain", host="ward7", pid=1),
            "Started on ward7",
        ),
        (Checkpoint(step=200, name="step-000200"), "Checkpoint step-000200"),
        (Warned(message="few patients"), "few patients"),
        (FileRead(index=4, status="refused", reason="it is cut short"), "File 5 refused: it is cut short"),
        (
            Finished(outcome="failed", message="disk full", next_step="Make room"),
            "Ended: failed. Disk full. Make room",
        ),
    ],
)
def test_an_event_is_told_in_words(event, words):
    line = log_line(event)
    assert line is not None
    assert line.text == words


def test_a_stage_of_a_run_is_told_once_and_again_after_a_new_start():
    def at(done: int, message: str = "going on from a checkpoint") -> Progress:
        return Progress(done=done, total=300, unit="steps", message=message)

    told, stage = log_lines([at(20), at(21), at(22, "")])
    assert [line.text for line in told] == ["Going on from a checkpoint: 20 of 300 steps"]
    assert log_lines([at(23)], stage)[0] == []
    told, _ = log_lines([Started(kind="pretrain", host="w7", pid=2), at(40)], stage)
    assert len(told) == 2


def test_hashes_are_told_in_groups_that_wrap_and_other_words_are_left_alone():
    digest = "9f2c" * 16
    assert grouped(f"model demo: {digest} matches") == f"model demo: {' '.join(['9f2c9f2c'] * 8)} matches"
    assert grouped("workspace afc140dc-78f0-470e-b724") == "workspace afc140dc-78f0-470e-b724"


def test_events_that_the_curve_shows_are_not_in_the_log():
    assert log_line(Metric(step=1, values={"loss": 1.0})) is None
    assert log_line(FileRead(index=0, status="imported")) is None


def test_reason_next_step_and_fault_of_a_failed_run_stand_first_among_its_results():
    workspace = FakeWorkspace()
    workspace.rows["J0008"] = replace(workspace.job("J0008"), fault="damaged_weights")
    told = facts(workspace.job_detail("J0008"), [])
    assert [(fact.name, fact.value) for fact in told[:3]] == [
        ("Reason", "Model broken: its weights do not match the card's hash"),
        ("Next step", "Register the checkpoint again"),
        ("Fault", "damaged weights"),
    ]


def test_a_look_at_collapse_that_finds_life_is_not_logged_and_one_that_finds_none_is_a_warning():
    assert log_line(CollapseWatch(step=50, collapsed=False, measures={"effective_rank": 31.0})) is None
    line = log_line(CollapseWatch(step=50, collapsed=True, measures={}, reason="rank 0.9 of 64"))
    assert (line.sign, line.text) == ("warning", "Collapsed at step 50: rank 0.9 of 64")


def test_a_probe_and_a_run_of_a_study_are_logged_in_words():
    assert log_line(Probed(step=200, macro=0.741, labels={})).text == "Probe at step 200: macro AUROC 0.741"
    row = StudyRow(number=3, name="s4 cpc", values={}, state="refused", message="too few records")
    assert log_line(StudyRun(row=row)).text == "Run 3, s4 cpc: refused. Too few records"


def test_a_pretraining_that_goes_on_tells_probe_before_and_after_and_its_stamp():
    workspace = FakeWorkspace()
    workspace.rows["J0002"] = replace(workspace.job("J0002"), state="done", model="vendor base")
    points = [ProbePoint(step=step, macro=estimate(value, 0.05), labels=[]) for step, value in ((0, 0.7), (400, 0.76))]
    lost = ProbeChange(label="macro", estimate=estimate(0.06, 0.02, bounded=False))
    workspace.answers["J0002"] = workspace.pretrain_results("J0002").model_copy(
        update={"probes": points, "forgetting": [lost], "stopped_early": True}
    )
    told = named(facts(workspace.job_detail("J0002"), workspace.metrics("J0002")))
    assert told["Probe before"].startswith("macro AUROC 0.700 (")
    assert told["Probe after"].startswith("macro AUROC 0.760 (")
    assert told["After minus before"].startswith("+0.060 (+0.040 to")
    assert told["Goes on from"] == "vendor base: derived model, research use, not the vendor's product"
    assert told["Ended early"] == "the held-out loss did not get better any more"


def test_the_held_out_loss_is_held_against_the_trivial_level_of_the_same_recordings():
    batches, held = MetricSeries("trivial_loss", (5, 10), (0.5, 0.9)), MetricSeries("loss", (5,), (0.4,))
    looks = MetricSeries("validation_trivial_loss", (10,), (0.6,))
    assert with_level((batches, held)) == (batches, held)
    told = {one.name: one.values for one in with_level((batches, held, looks))}
    assert told["trivial_loss"] == (0.6,)


def test_what_a_loss_is_counted_in_is_told_by_its_objective():
    jepa = PretrainConfig(objective=JEPAConfig(), backbone=S4Config(causal=False)).model_dump(mode="json")
    assert loss_unit(jepa) == "smooth L1"
    assert loss_unit(PretrainConfig().model_dump(mode="json")) == "nats per prediction"
    assert loss_unit({"kind": "pretrain", "objective": "of another version"}) == ""


def test_a_run_that_waits_says_so_once():
    waiting = job("J0009", "evaluate", "demo on all", "queued", message="waits for its turn")
    assert head_text(waiting) == "Waits for its turn"


def test_an_estimate_says_whether_it_fits_and_what_would():
    workspace = FakeWorkspace()
    workspace.rows["J0030"] = job("J0030", "estimate", "wide", "done")
    refused = {"fits": False, "refusal": "a step needs 94 GB", "advice": "batch_size = 128"}
    workspace.answers["J0030"] = estimate_results(**refused)
    told = named(facts(workspace.job_detail("J0030"), []))
    assert told["Verdict"] == "it does not fit: a step needs 94 GB"
    assert told["Instead"] == "batch_size = 128"
    assert told["Memory"] == "1.6 GB of 12.3 GB free"
