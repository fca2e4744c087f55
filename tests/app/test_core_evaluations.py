"""Asking for an evaluation: what is queued, what is refused before anything is, and what is told of its cost."""

from pathlib import Path

import numpy as np
import pytest
from core_cases import make_workspace, quick_copy, sha256
from evaluation_cases import full_evaluation

from app import cli
from app.core.schema import Job, JobEvent, RecordLabel
from engine.contract.card import ModelCard, Preprocessing
from engine.contract.config import EvaluationSettings, S4Config
from engine.contract.efficiency import BatchCost, EfficiencyResults, Flops
from engine.contract.errors import EXIT_DONE, EXIT_WORLD, UsageError, WorldError
from engine.contract.evaluation import EpochScore, FewLabels, HeadHistory, HeadTraining
from engine.contract.events import Progress
from engine.data.embedding_cache import EmbeddingCache, cache_key
from engine.data.window_cache import WindowCache, window_key

WEIGHTS = "a" * 64


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("template") / "workspace", count=12)


@pytest.fixture
def workspace(template, tmp_path, monkeypatch):
    with quick_copy(template, tmp_path, monkeypatch) as opened:
        opened.add_random_model("untrained", S4Config(width=8, depth=1))
        opened.add_baseline()
        opened.add_checkpoint(checkpoint(tmp_path), "pretrained")
        opened.create_cohort("main", labels=["NORM"], folds=2)
        measure(opened, "heart rate")
        yield opened


def checkpoint(folder):
    """A checkpoint of a pretrained model; nothing here loads its weights."""
    (folder / "weights.safetensors").write_bytes(b"weights")
    card = ModelCard(name="outside", source="native", weights_sha256=sha256(b"weights"))
    (folder / "card.json").write_text(card.model_dump_json())
    return folder


def measure(workspace, name):
    """Give every recording a measured number."""
    with workspace._home.db.write() as session:
        known = {row.record_id for row in session.query(RecordLabel)}
        for n, record_id in enumerate(sorted(known)):
            session.add(RecordLabel(record_id=record_id, label=name, value=60.0 + n, kind="number", source_sha256="0"))


def test_an_evaluation_is_queued_with_everything_that_was_set(workspace):
    settings = EvaluationSettings(mode="finetune", training=HeadTraining(epochs=3), subgroups=("age",))
    job = workspace.evaluate("untrained", "main", ["NORM"], settings, targets=["heart rate", "heart rate"])
    config = workspace.job_detail(job).config
    assert (config["mode"], config["training"]["epochs"], config["subgroups"]) == ("finetune", 3, ["age"])
    assert (config["labels"], config["targets"]) == (["NORM"], ["heart rate"])


def test_without_labels_a_measured_number_is_predicted_alone(workspace):
    config = workspace.job_detail(workspace.evaluate("untrained", "main", targets=["heart rate"])).config
    assert (config["labels"], config["targets"]) == ([], ["heart rate"])


@pytest.mark.parametrize(
    ("model", "more", "reason"),
    [
        ("age + sex", {"settings": EvaluationSettings(mode="finetune")}, "no network to train"),
        ("age + sex", {"settings": EvaluationSettings(mode="frozen")}, "no network to train"),
        ("pretrained", {"settings": EvaluationSettings(mode="supervised")}, "begins from random weights"),
        ("untrained", {"settings": EvaluationSettings(mode="frozen", few_labels=FewLabels())}, "of the mode linear"),
        ("untrained", {"settings": EvaluationSettings(training=HeadTraining(epochs=3))}, "solved, it has no epochs"),
        (
            "untrained",
            {"settings": EvaluationSettings(mode="frozen", training=HeadTraining(keep_model=True))},
            "stays as it is in mode frozen",
        ),
        (
            "untrained",
            {"settings": EvaluationSettings(mode="finetune", training=HeadTraining(keep_model=True))},
            "every fold trains a model of its own",
        ),
        ("untrained", {"targets": ["NORM"]}, "two classes, not a number"),
        ("untrained", {"targets": ["shoe size"]}, "no recording has it.*heart rate"),
        ("untrained", {"labels": ["heart rate"]}, "it is a number"),
        ("untrained", {"settings": EvaluationSettings(local_prevalence={"MI": (0.1,)})}, "this label is not evaluated"),
        ("untrained", {"settings": EvaluationSettings(given_thresholds={"MI": 0.1})}, "threshold of MI: this label is"),
    ],
)
def test_what_a_model_or_a_label_cannot_do_is_refused_before_anything_is_queued(workspace, model, more, reason):
    with pytest.raises(UsageError, match=reason):
        workspace.evaluate(model, "main", **more)
    assert all(row.kind != "evaluate" for row in workspace.jobs())


def finish(workspace, kind, results, config, model="untrained", events=()):
    """A run that is done, as if it had been made here."""
    with workspace._home.db.write() as session:
        number = 50 + session.query(Job).count()
        job_id = f"J{number:04d}"
        text = config if isinstance(config, str) else config.model_dump_json()
        session.add(
            Job(
                number=number,
                job_id=job_id,
                kind=kind,
                name="past",
                state="done",
                created="",
                config=text,
                cohort="main",
                model=model,
                results=results.model_dump_json(),
            )
        )
        session.flush()
        for seq, event in enumerate(events):
            body = event.model_copy(update={"seq": seq}).model_dump_json()
            session.add(JobEvent(job_id=job_id, seq=seq, type="progress", time=event.time, body=body))
    return job_id


def queued_config(workspace, settings):
    """The config of an evaluation as it would be queued."""
    import json

    return json.dumps(workspace.job_detail(workspace.evaluate("untrained", "main", ["NORM"], settings)).config)


def efficiency_of(workspace):
    flops = dict.fromkeys(Flops.model_fields, 100) | {"forward_backward": 300, "note": ""}
    cost = BatchCost(device="cpu", device_name="cpu", threads=1, batch=64, crops_per_s=20.0)
    return EfficiencyResults(
        model="untrained",
        model_sha256=WEIGHTS,
        backbone="s4",
        crop_s=2.5,
        rate_hz=240.0,
        tokens=300,
        parameters=1,
        trainable=1,
        flops=Flops(**flops),
        costs=[cost],
        seconds=1.0,
    )


def test_a_cost_that_nobody_has_measured_is_not_told_and_says_how_to_measure_it(workspace):
    cost = workspace.evaluation_cost("untrained", "main", ["NORM"])
    assert (cost.records, cost.to_embed, cost.trainings, cost.seconds) == (12, 12, 0, None)
    assert "isoline efficiency 'untrained'" in cost.basis[0]
    assert workspace.evaluation_cost("age + sex", "main", ["NORM"]).seconds == 0.0


def test_what_is_embedded_already_is_counted_where_it_is_kept(workspace):
    config = queued_config(workspace, EvaluationSettings())
    finish(workspace, "evaluate", full_evaluation().model_copy(update={"model_sha256": WEIGHTS}), config)
    fed = Preprocessing.model_validate(workspace.model("untrained").card["preprocessing"])
    kept = [row.record_id for row in workspace.records()[:5]]
    EmbeddingCache(workspace._home.cache, cache_key(WEIGHTS, fed)).write(kept, np.zeros((5, 8), dtype=np.float32))
    assert workspace.evaluation_cost("untrained", "main", ["NORM"]).to_embed == 12 - 5
    heads, whole = (EvaluationSettings(mode=mode) for mode in ("frozen", "finetune"))
    assert workspace.evaluation_cost("untrained", "main", ["NORM"], heads).to_embed == 12
    key, mean = window_key(WEIGHTS, fed), EvaluationSettings(mode="linear-adamw")
    for kind, rows in (("tokens", kept[:3]), ("means", kept[2:])):
        with WindowCache(workspace._home.cache, key, kind).writer() as writer:
            writer.expect(rows, [1] * 3)
            writer.append(np.zeros((3, 2, 4), dtype=np.float32))
    assert workspace.evaluation_cost("untrained", "main", ["NORM"], heads).to_embed == 12 - 3
    assert workspace.evaluation_cost("untrained", "main", ["NORM"], mean).to_embed == 12 - 5
    assert workspace.evaluation_cost("untrained", "main", ["NORM"], whole).to_embed == 0


def test_embedding_goes_on_at_the_pace_of_the_last_run(workspace):
    told = [
        Progress(seq=0, time=f"2026-11-22T09:00:0{at}.000Z", done=done, total=9, unit="records", message="embedding")
        for at, done in ((0, 0), (2, 4))
    ]
    job = finish(workspace, "evaluate", full_evaluation(), queued_config(workspace, EvaluationSettings()), events=told)
    cost = workspace.evaluation_cost("untrained", "main", ["NORM"])
    assert cost.seconds == 12 / 2.0
    assert f"2 recordings a second, as in run {job}" in cost.basis[0]


def test_training_is_reckoned_from_measured_crops_and_counted_operations(workspace):
    finish(workspace, "efficiency", efficiency_of(workspace), "{}")
    settings = EvaluationSettings(mode="supervised", training=HeadTraining(epochs=10, validation_share=0.25))
    cost = workspace.evaluation_cost("untrained", "main", ["NORM"], settings)
    assert (cost.trainings, cost.epochs) == (2, 10)
    assert cost.crops == pytest.approx(12 * 0.75 * 10, abs=10)
    assert cost.seconds == pytest.approx(cost.crops * 3 / 20)
    assert workspace.evaluation_cost("untrained", "main", ["NORM"]).seconds == 12 * 4 / 20


def test_training_goes_on_at_the_pace_of_the_last_run_in_its_mode(workspace):
    settings = EvaluationSettings(mode="frozen", training=HeadTraining(epochs=5))
    history = HeadHistory(
        part="fold-0", best_epoch=1, epochs=[EpochScore(epoch=n, train_loss=1.0, validation=None) for n in range(5)]
    )
    past = full_evaluation().model_copy(update={"training": [history, history], "seconds": 30.0})
    job = finish(workspace, "evaluate", past, queued_config(workspace, settings))
    twice = EvaluationSettings(mode="frozen", training=HeadTraining(epochs=10))
    cost = workspace.evaluation_cost("untrained", "main", ["NORM"], twice)
    trained = [told for told in cost.basis if told.startswith("Training")]
    assert trained == [f"Training: {cost.crops / 60:.3g} crops a second, as run {job} took in this mode."]


def test_the_command_line_tells_the_cost_and_starts_nothing(workspace, capsys):
    jobs = len(workspace.jobs())
    words = ["evaluate", "untrained", "--cohort", "main", "--estimate", "-w", str(workspace.path)]
    assert cli.main(words) == EXIT_DONE
    assert "12, of which 12 are to be embedded" in capsys.readouterr().out
    assert len(workspace.jobs()) == jobs


def test_a_list_of_evaluations_tells_mode_cohort_and_the_number_that_sums_each_up(workspace):
    waiting = workspace.evaluate("untrained", "main", ["NORM"], EvaluationSettings(mode="frozen"))
    past = full_evaluation()
    done = finish(workspace, "evaluate", past, queued_config(workspace, EvaluationSettings()))
    newest, _, first = workspace.evaluations()
    assert (newest.job.job_id, newest.mode, newest.labels) == (done, "finetuned", 1)
    assert (newest.macro, newest.macro_mae) == (past.macro, past.macro_mae)
    assert (first.job.job_id, first.mode, first.macro, first.job.cohort) == (
        waiting,
        "frozen, attention pooling",
        None,
        "main",
    )


def test_the_verb_results_lists_evaluations_and_tells_one(workspace, capsys):
    job = finish(workspace, "evaluate", full_evaluation("untrained"), queued_config(workspace, EvaluationSettings()))
    there = ("-w", str(workspace.path))
    assert cli.main(["results", *there]) == EXIT_DONE
    listed = capsys.readouterr().out
    assert "0.842 (0.782 to 0.902)" in listed
    assert "queued" in listed
    for word in (job, "untrained"):
        assert cli.main(["results", word, *there]) == EXIT_DONE
        assert "untrained (finetuned)" in capsys.readouterr().out
    assert cli.main(["jobs", "show", job, *there]) == EXIT_DONE
    assert "untrained (finetuned)" in capsys.readouterr().out


def test_a_run_without_results_says_where_it_stands(workspace, capsys):
    job = workspace.evaluate("untrained", "main", ["NORM"])
    assert cli.main(["results", job, "-w", str(workspace.path)]) == EXIT_WORLD
    assert "it is queued and has no results" in capsys.readouterr().err


def test_measures_at_any_threshold_are_those_counted_one_by_one(workspace):
    job = finish(workspace, "evaluate", full_evaluation(), queued_config(workspace, EvaluationSettings(resamples=100)))
    labels = {row.record_id: row.labels["NORM"] for row in workspace.records() if "NORM" in row.labels}
    ids = sorted(labels)
    scores = np.linspace(0, 1, len(ids))
    folder = workspace.path / "runs" / job
    folder.mkdir()
    names = {"record_id": np.array(ids), "patient": np.array(ids), "labels": np.array(["NORM"])}
    np.savez(folder / "predictions.npz", **names, scores=scores[:, None])
    told = workspace.measures_at(job, "NORM", 0.5)
    called = [labels[one] for one, score in zip(ids, scores, strict=True) if score >= 0.5]
    assert told["ppv"].value == sum(called) / len(called)
    assert told["sensitivity"].value == sum(called) / sum(labels.values())
    with pytest.raises(UsageError, match="has not scored it"):
        workspace.measures_at(job, "MI", 0.5)
    (folder / "predictions.npz").unlink()
    with pytest.raises(WorldError, match="missing or damaged"):
        workspace.measures_at(job, "NORM", 0.5)
