"""Input that cannot be judged, at the terminal with real engine processes: named states, and never a silent number."""

import csv
import json

import numpy as np
import pytest
from command_line import isoline

from app.workspace import Workspace
from engine.contract.errors import UsageError, WorldError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

MANY = 40
LABELS = ("FINE", "NEVER", "CONSTANT", "TIED", "GAPS")
WOMEN = 3


def copied(samples, folder, count):
    """Some of the shipped recordings; the second one without lead V2. Gives their names."""
    folder.mkdir()
    headers = sorted(samples.rglob("*.hea"))[:count]
    for header in headers:
        (folder / header.name).write_bytes(header.read_bytes())
        signal = header.with_suffix(".dat")
        (folder / signal.name).write_bytes(signal.read_bytes())
    without_v2(folder / headers[1].name)
    return [header.stem for header in headers]


def without_v2(header):
    """Take a lead out of a WFDB recording of 16-bit samples."""
    first, *lines = header.read_text().splitlines()
    leads = [line for line in lines if not line.startswith("#")]
    place = next(n for n, line in enumerate(leads) if line.split()[-1] == "V2")
    signal = header.with_suffix(".dat")
    samples = np.fromfile(signal, "<i2").reshape(-1, len(leads))
    np.delete(samples, place, axis=1).tofile(signal)
    words = first.split()
    words[1] = str(len(leads) - 1)
    lines.remove(leads[place])
    header.write_text("\n".join([" ".join(words), *lines]) + "\n")


def sheet(path, names, patients):
    """Labels of two classes by turns, but one that nobody has; three women."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("record", "patient_id", "age", "sex", *LABELS))
        for n, name in enumerate(names):
            known = ["0" if label == "NEVER" else str(n % 2) for label in LABELS]
            writer.writerow((name, patients[n], 50 + n, "female" if n < WOMEN else "male", *known))


def scores(path, names):
    """A vendor's answers with everything wrong that may be."""
    rng = np.random.default_rng(3)
    rows = []
    for n, name in enumerate(names):
        usual = round(0.2 + 0.3 * (n % 2) + 0.4 * rng.random(), 4)
        rows += [
            (name, "FINE", usual),
            (name, "NEVER", usual),
            (name, "CONSTANT", 0.3),
            (name, "TIED", 0.2 + n % 2 / 2),
        ]
        if n >= 12:
            rows.append((name, "GAPS", {12: "nan", 13: "inf", 14: "-inf"}.get(n, usual)))
    rows += [("nobody", "FINE", 0.9), (names[0], "FOREIGN", 0.9)]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("record", "label", "score"), *rows])


@pytest.fixture(scope="module")
def ward(tmp_path_factory, samples):
    folder = tmp_path_factory.mktemp("bad")
    names = copied(samples, folder / "recordings", MANY)
    sheet(folder / "labels.csv", names, [f"p{n}" for n in range(MANY)])
    scores(folder / "scores.csv", names)
    path = folder / "ward"
    isoline("init", path)
    told = isoline("import", folder / "recordings", "--labels", folder / "labels.csv", "-w", path, code=1)
    assert "it has no lead V2" in told
    assert f"{MANY - 1} imported" in told
    isoline("cohort", "create", "main", "--folds", "2", "--no-search", "-w", path)
    return path


def evaluated(ward, model, *words):
    asked = ("--cohort", "main", "--resamples", "100", "--no-search", "--wait", "--json", "-w", ward)
    return json.loads(isoline("evaluate", model, *words, *asked))


@pytest.fixture(scope="module")
def judged(ward):
    """What is told when the answers come in, and the evaluation of them, by label."""
    told = isoline("model", "add", ward.parent / "scores.csv", "--name", "vendor", "--probabilities", "-w", ward)
    asked = [word for label in LABELS for word in ("--label", label)]
    found = evaluated(ward, "vendor", *asked)
    return told, found, {one["label"]: one for one in found["labels"]}


def test_no_positives_constant_scores_and_ties_are_states_with_a_name(judged):
    _, found, labels = judged
    for label, reason in (("NEVER", "no positive recordings among 39"), ("CONSTANT", "all scores are equal")):
        assert (labels[label]["auroc"]["value"], labels[label]["auroc"]["not_estimable"]) == (None, reason)
        assert reason.partition(" among")[0] in labels[label]["operating"]["not_estimable"]
        assert labels[label]["calibration"]["slope"]["value"] is None
    assert labels["TIED"]["auroc"]["value"] == 1.0
    assert "no variance" in labels["TIED"]["auroc"]["interval"]["method"]
    assert labels["TIED"]["calibration"]["slope"]["not_estimable"] == "the probabilities separate the classes"
    assert any(
        note.startswith("Macro AUROC is the mean over 3 of 5 labels; left out: NEVER") for note in found["notes"]
    )


def test_missing_endless_and_foreign_answers_are_counted_and_left_out(judged):
    told, found, labels = judged
    assert "2 rows left out: the probability is no finite number" in told
    assert "rows left out: no recording of this name" in told
    assert any("a recording or a label outside this evaluation" in note for note in found["notes"])
    assert found["missing_scores"] == 14
    assert labels["GAPS"]["auroc"]["records"] == MANY - 1 - 14
    assert labels["FINE"]["auroc"]["records"] == MANY - 1


def test_three_patients_in_a_subgroup_are_insufficient_evidence(judged):
    groups = next(one for one in judged[2]["FINE"]["subgroups"] if one["attribute"] == "sex")["groups"]
    assert {one["state"] for one in groups} == {"insufficient evidence"}
    assert all(one["gap"]["value"] is None and "10 of each are needed" in one["gap"]["not_estimable"] for one in groups)


def test_a_recording_that_stands_twice_keeps_its_first_answer_and_that_is_told(ward):
    (name,) = [path.stem for path in sorted((ward.parent / "recordings").glob("*.hea"))[:1]]
    twice = ward.parent / "twice.csv"
    twice.write_text(f"record,label,score\n{name},FINE,0.1\n{name},FINE,0.9\n", encoding="utf-8")
    told = isoline("model", "add", twice, "--name", "twice", "-w", ward)
    assert "1 row left out: recording and label stand in an earlier row" in told


def test_one_patient_cannot_be_parted_and_the_refusal_says_so(ward):
    files = sorted((ward.parent / "recordings").glob("*.hea"))[2:8]
    sheet(ward.parent / "one.csv", [file.stem for file in files], ["p"] * len(files))
    with Workspace.create(ward.parent / "one") as workspace:
        workspace.wait(workspace.import_files(files, labels=ward.parent / "one.csv"))
        with pytest.raises((WorldError, UsageError), match="patient"):
            workspace.create_cohort("main", labels=["FINE"], folds=2)
