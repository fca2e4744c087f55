"""Verbs on one workspace with the shipped recordings: what they print, as text and as JSON, and their exit codes."""

import json
import re
from itertools import pairwise

import pytest

from app import cli, selftest
from app.commands.runs import evaluation_job
from app.core.rows import JobRow, ProgressRow
from engine.contract.errors import UsageError
from engine.contract.results import Estimate, EvaluateResults


@pytest.fixture(scope="module")
def ward(tmp_path_factory, samples):
    """A workspace with the shipped recordings and their labels; tests add to it but take nothing away."""
    path = tmp_path_factory.mktemp("cli") / "ward"
    assert cli.main(["init", str(path)]) == 0
    assert cli.main(["import", str(samples), "--labels", str(samples / "labels.csv"), "-w", str(path)]) == 0
    return path


@pytest.fixture
def isoline(ward, capsys):
    """Run a verb on the workspace; returns exit code, output and what was said beside it."""

    def run(*words):
        capsys.readouterr()
        code = cli.main([*(str(word) for word in words), "-w", str(ward)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def told_json(outcome):
    code, out, _ = outcome
    assert code == 0
    return json.loads(out)


def test_records_are_filtered_by_label_and_text(isoline):
    everything = told_json(isoline("records", "--json"))
    infarcts = told_json(isoline("records", "--label", "MI", "--json"))
    named = told_json(isoline("records", "--text", everything[7]["source_name"], "--json"))
    assert len(everything) >= 120
    assert 20 <= len(infarcts) < len(everything)
    assert {row["labels"]["MI"] for row in infarcts} == {1.0}
    assert [row["record_id"] for row in named] == [everything[7]["record_id"]]


def test_the_table_of_records_ends_with_the_count_of_recordings_and_patients(isoline):
    _, out, _ = isoline("records")
    assert re.search(r"\n\n(\d+) recordings of (\d+) patients\n$", out)


def test_no_age_above_89_is_printed(isoline):
    assert all(row["age"] is None or row["age"] <= 90 for row in told_json(isoline("records", "--json")))
    assert not re.search(r"\b9[1-9]\b  (fe)?male", isoline("records")[1])


def test_a_cohort_scores_every_patient_once(isoline):
    made = told_json(isoline("cohort", "create", "folds", "--no-search", "--label", "MI", "--seed", "3", "--json"))
    shown = told_json(isoline("cohort", "show", "folds", "--json"))
    splits = {}
    for member in shown["members"]:
        splits.setdefault(member["patient"], set()).add(member["split"])
    assert len(shown["members"]) == made["records"]
    assert all(len(folds) == 1 for folds in splits.values())
    assert {fold for folds in splits.values() for fold in folds} == {f"fold-{k}" for k in range(5)}
    assert "folds" in isoline("cohort", "list")[1]


def test_the_same_seed_gives_the_same_split(isoline):
    first, second = (
        told_json(isoline("cohort", "create", n, "--no-search", "--holdout", "0.3", "--json")) for n in ("h1", "h2")
    )
    assert first["split_sha256"] == second["split_sha256"]


@pytest.mark.parametrize(
    "words",
    [
        ["cohort", "create", "both", "--folds", "5", "--holdout", "0.2"],
        ["cohort", "show", "nowhere"],
        ["model", "show", "nobody"],
        ["model", "add", "--random", "--set", "width=3"],
        ["model", "add", "--random", "--set", "wings=2"],
        ["pretrain", "no-such-recipe"],
        ["evaluate", "nobody", "--cohort", "nowhere"],
        ["jobs", "show", "J9999"],
        ["jobs", "stop", "J9999"],
        ["jobs", "resume", "J0001"],
        ["jobs", "watch", "J9999"],
        ["compare", "J9998", "J9999"],
        ["bench", "coffee"],
    ],
    ids=" ".join,
)
def test_unknown_names_and_values_exit_with_2_and_print_nothing(isoline, capsys, words):
    code, out, err = isoline(*words) if words[0] != "bench" else (cli.main(words), *capsys.readouterr())
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


def test_a_setting_out_of_range_names_the_setting(isoline):
    code, _, err = isoline("model", "add", "--random", "--set", "width=3")
    assert code == 2
    assert "width" in err


def test_a_vendor_s_scores_become_a_model(isoline, samples):
    row = told_json(isoline("model", "add", samples / "predictions-age-sex.csv", "--name", "vendor", "--json"))
    shown = told_json(isoline("model", "show", "vendor", "--json"))
    assert row["source"] == "predictions"
    assert shown["sha256"] == row["sha256"]
    assert "vendor" in isoline("model", "list")[1]


def test_rows_of_a_vendor_s_file_that_do_not_count_are_told_when_it_is_added(isoline, tmp_path):
    name = told_json(isoline("records", "--json"))[0]["source_name"]
    (tmp_path / "other vendor.csv").write_text(f"record,label,score\n{name},MI,0.5\nnobody,MI,0.5\n{name},STTC,0,5\n")
    code, out, _ = isoline("model", "add", tmp_path / "other vendor.csv")
    assert code == 0
    assert "1 row left out: no recording of this name." in out
    assert "1 row left out: more cells than columns." in out


def test_random_weights_and_the_baseline_become_models(isoline):
    untrained = told_json(isoline("model", "add", "--random", "--set", "width=16", "--name", "untrained", "--json"))
    baseline = told_json(isoline("model", "add", "--baseline", "--json"))
    assert (untrained["source"], baseline["source"]) == ("random", "baseline")
    assert baseline["name"] == "age + sex"
    assert "age + sex" in isoline("model", "show", "age + sex")[1]


def test_a_file_that_is_no_model_exits_with_1(isoline, tmp_path):
    (tmp_path / "model.pkl").write_bytes(b"\x80")
    code, _, err = isoline("model", "add", tmp_path / "model.pkl")
    assert code == 1
    assert "columns record, label, score" in err


def test_a_job_is_shown_from_the_database_alone(isoline, ward):
    (ward / "runs").rename(ward / "elsewhere")
    try:
        detail = told_json(isoline("jobs", "show", "J0001", "--json"))
        text = isoline("jobs", "show", "J0001")[1]
    finally:
        (ward / "elsewhere").rename(ward / "runs")
    assert detail["job"]["state"] == "done"
    assert detail["results"]["refused"] == 0
    assert detail["versions"]["isoline"]
    assert "J0001, import" in text


def test_the_queue_lists_the_import(isoline):
    rows = told_json(isoline("jobs", "--json"))
    assert [(row["job_id"], row["kind"], row["state"]) for row in rows] == [("J0001", "import", "done")]


def test_watching_an_empty_queue_ends_at_once(isoline):
    assert isoline("jobs", "watch")[:2] == (0, "No job is queued or running.\n")


def test_the_trail_is_printed_and_its_chain_holds(isoline):
    rows = told_json(isoline("audit", "--json"))
    verdict = told_json(isoline("audit", "--verify", "--json"))
    assert rows[0]["seq"] == verdict["events"] == len(rows)
    assert rows[0]["hash"] == verdict["head"]
    assert all(newer["previous"] == older["hash"] for newer, older in pairwise(rows))


def test_no_file_name_of_a_recording_stands_in_the_trail_or_in_what_runs_said(isoline, ward):
    names = [row["source_name"] for row in told_json(isoline("records", "--json"))]
    trail = isoline("audit", "--json")[1]
    assert not [name for name in names if name in trail]
    said = "".join(path.read_text() for path in (ward / "runs").rglob("events.jsonl"))
    said += "".join(path.read_text() for path in (ward / "runs").rglob("console.log"))
    assert said
    assert not [name for name in names if name in said]


@pytest.mark.parametrize(("words", "code"), [(["report", "--out", "x.pdf"], 2), (["verify", "absent.pdf"], 1)])
def test_a_report_of_nothing_and_a_pdf_that_is_not_there_are_told(isoline, monkeypatch, tmp_path, words, code):
    monkeypatch.chdir(tmp_path)
    got, out, err = isoline(*words)
    assert (got, out) == (code, "")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_workspace_exits_with_1_and_is_left_alone(tmp_path, capsys):
    assert cli.main(["records", "-w", str(tmp_path)]) == 1
    assert list(tmp_path.iterdir()) == []


def test_init_refuses_a_folder_that_is_in_use(tmp_path, capsys):
    (tmp_path / "letter.txt").write_text("mine")
    assert cli.main(["init", str(tmp_path)]) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_the_demo_refuses_a_folder_that_is_in_use(tmp_path, capsys):
    (tmp_path / "letter.txt").write_text("mine")
    assert cli.main(["demo", "--out", str(tmp_path)]) == 1
    assert "not empty" in capsys.readouterr().err


def evaluation(model):
    return EvaluateResults(
        model=model,
        model_sha256="0" * 64,
        mode="linear probe",
        macro=Estimate(value=0.5),
        labels=[],
        split_id="s",
        split_kind="k",
        test_sha256="0" * 64,
        records=1,
        patients=1,
        seed=0,
        resamples=100,
        seconds=0.0,
    )


class Evaluated:
    """A workspace with finished evaluations of the named models, J0001 on."""

    def __init__(self, *models):
        self.models = models

    def jobs(self):
        progress = ProgressRow()
        return [
            JobRow(f"J{n:04d}", "evaluate", "e", "done", "", "", "", progress, "", "")
            for n in range(1, len(self.models) + 1)
        ]

    def results(self, job_id):
        return evaluation(self.models[int(job_id[1:]) - 1])


def test_a_model_s_name_stands_for_its_only_evaluation():
    assert evaluation_job(Evaluated("a", "b"), "b") == "J0002"
    assert evaluation_job(Evaluated("a", "b"), "J0001") == "J0001"


def test_a_model_with_two_evaluations_must_be_named_by_job():
    with pytest.raises(UsageError, match="J0001, J0002"):
        evaluation_job(Evaluated("a", "a"), "a")


def test_a_model_without_evaluation_is_told():
    with pytest.raises(UsageError, match="no job and no evaluated model"):
        evaluation_job(Evaluated("a"), "b")


@pytest.mark.slow
def test_the_selftest_passes_on_this_installation(capsys):
    assert cli.main(["selftest", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"]
    assert len(told["checks"]) == len(selftest.CHECKS)


def test_a_failing_check_fails_the_selftest_and_says_where(monkeypatch, capsys):
    def broken():
        raise ValueError("secret")

    monkeypatch.setattr(selftest, "CHECKS", {"arithmetic": lambda: (True, "fine"), "luck": broken})
    assert cli.main(["selftest"]) == 1
    out = capsys.readouterr().out
    assert "FAILS" in out
    assert "internal error (ValueError at test_cli_workspace.py" in out
    assert "secret" not in out


def test_a_cohort_shows_what_went_where_and_who_was_left_out(isoline):
    code, out, _ = isoline(
        "cohort", "create", "grown", "--no-search", "--label", "MI", "--rule", "age 40..", "--rule", "sex female"
    )
    assert code == 0
    assert "sex male" in out
    shown = told_json(isoline("cohort", "show", "grown", "--json"))
    assert {part["name"] for part in shown["parts"]} == {f"fold-{n}" for n in range(5)}
    assert sum(part["positives"]["MI"] for part in shown["parts"]) > 0
    assert [step["rule"] for step in shown["flow"]["steps"]] == ["age 40..", "sex female"]
    _, text, _ = isoline("cohort", "show", "grown")
    assert "What went where (no patient is in two parts)" in text
    assert "age below 40 years" in text
    assert told_json(isoline("cohort", "flow", "grown", "--json")) == shown["flow"]


def test_the_flow_of_rules_is_told_before_there_is_a_cohort(isoline):
    flow = told_json(isoline("cohort", "flow", "--rule", "age 40.. or unknown", "--rule", "leads I V6", "--json"))
    assert flow["considered"] >= 120
    assert flow["records"] == flow["considered"] - sum(sum(step["excluded"].values()) for step in flow["steps"])
    assert isoline("cohort", "flow", "--rule", "height 180..")[0] == 2
    assert isoline("cohort", "flow", "grown", "--rule", "age 40..")[0] == 2
