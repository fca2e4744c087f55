import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from core_cases import SAMPLES, make_workspace

from app.workspace import Workspace
from engine.contract.errors import UsageError, WorldError

NAMES = sorted(path.stem for path in SAMPLES.glob("*.hea"))[:6]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("template") / "workspace", count=6)


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Iterator[Workspace]:
    shutil.copytree(template, tmp_path / "ward7")
    with Workspace.open(tmp_path / "ward7") as opened:
        yield opened


def imported(workspace: Workspace, paths: list[Path], labels: str | None = None) -> str:
    table = None
    if labels is not None:
        table = workspace.path.parent / "table.csv"
        table.write_text(labels, encoding="utf-8")
    job = workspace.import_files(paths, labels=table)
    assert workspace.wait(job, timeout_s=60).state == "done"
    return job


def test_recordings_are_listed_found_and_counted(workspace: Workspace) -> None:
    rows = workspace.records()
    assert [row.source_name for row in rows] == NAMES
    assert workspace.record_count() == 6
    assert [row.source_name for row in workspace.records(limit=2, offset=3)] == NAMES[3:5]
    assert [row.source_name for row in workspace.records(text=NAMES[2].upper())] == [NAMES[2]]
    assert [row.record_id for row in workspace.records(text=rows[1].patient)] == [rows[1].record_id]
    assert workspace.records(text="%") == workspace.records(dataset="elsewhere") == []
    positive = [row.record_id for row in rows if row.labels["NORM"] == 1]
    assert [row.record_id for row in workspace.records(label="NORM")] == positive
    assert workspace.record_count(label="NORM") == len(positive)


def test_a_recording_is_found_by_id_or_by_name(workspace: Workspace) -> None:
    row = workspace.records()[0]
    assert workspace.record(row.record_id) == workspace.record(row.source_name) == row
    with pytest.raises(UsageError, match="none of this id or name"):
        workspace.record("nowhere")


def test_a_signal_is_what_stands_in_the_file(workspace: Workspace) -> None:
    row = workspace.records()[0]
    steps_TC = np.fromfile(SAMPLES / f"{row.source_name}.dat", "<i2").reshape(-1, 12)  # WFDB format 16, 1,000 per mV
    view = workspace.signal(row.record_id)
    assert (view.rate_hz, view.leads, view.signal_CT.dtype) == (500.0, row.leads, np.float32)
    np.testing.assert_allclose(view.signal_CT, steps_TC.T / 1000, atol=1e-6)
    with pytest.raises(UsageError, match="none of this id"):
        workspace.signal("r000000000000")


def test_an_exported_recording_holds_signal_leads_and_rate(workspace: Workspace, tmp_path: Path) -> None:
    row = workspace.records()[0]
    written = workspace.export_record(row.record_id, tmp_path / "one")
    assert written == tmp_path / "one.npz"
    with np.load(written) as found:
        np.testing.assert_array_equal(found["signal"], workspace.signal(row.record_id).signal_CT)
        assert found["leads"].tolist() == list(row.leads)
        assert float(found["rate"]) == row.rate_hz
    with pytest.raises(WorldError, match="cannot be written"):
        workspace.export_record(row.record_id, tmp_path / "nowhere" / "one.npz")


def test_label_counts_are_those_of_the_table(workspace: Workspace) -> None:
    rows = workspace.records()
    for summary in workspace.labels():
        values = [row.labels[summary.label] for row in rows]
        assert (summary.positives, summary.negatives, summary.unknown) == (values.count(1), values.count(0), 0)
    assert sum(workspace.quality_summary().values()) == 6


def test_the_same_files_again_are_duplicates_and_may_bring_new_labels(workspace: Workspace) -> None:
    table = f"record,AF,NORM\n{NAMES[0]},1,0\n{NAMES[1]},0,\n"
    before = {row.source_name: row.labels["NORM"] for row in workspace.records()}
    job = imported(workspace, [SAMPLES / f"{name}.hea" for name in NAMES], table)
    assert {outcome.status for outcome in workspace.outcomes(job)} == {"duplicate"}
    assert workspace.record_count() == 6
    labels = {row.source_name: row.labels for row in workspace.records()}
    assert (labels[NAMES[0]]["AF"], labels[NAMES[0]]["NORM"]) == (1.0, 0.0)
    assert (labels[NAMES[1]]["AF"], labels[NAMES[1]]["NORM"]) == (0.0, before[NAMES[1]])
    assert "AF" not in labels[NAMES[2]]
    changed = next(row for row in workspace.audit() if row.action == "labels added").detail["changed"]
    expected = {"NORM": {workspace.record(NAMES[0]).record_id: 1.0}} if before[NAMES[0]] == 1.0 else {}
    assert changed == expected


def test_each_bad_file_and_each_bad_row_gets_one_line_and_the_rest_is_used(
    workspace: Workspace, tmp_path: Path
) -> None:
    new = sorted(SAMPLES.glob("*.hea"))[6]
    cut = tmp_path / "cut"
    cut.mkdir()
    shutil.copy(new, cut)
    (cut / f"{new.stem}.dat").write_bytes((SAMPLES / f"{new.stem}.dat").read_bytes()[:1000])
    table = f"record,AF\n{new.stem},1\nnobody,1\n{NAMES[0]},7\n"
    job = imported(workspace, [cut, new, tmp_path / "nowhere.hea"], table)
    outcomes = workspace.outcomes(job)
    assert [(o.file, o.status) for o in outcomes] == [
        (new.name, "refused"),
        (new.name, "imported"),
        ("nowhere.hea", "refused"),
        ("table.csv line 3", "refused"),
        ("table.csv line 4", "refused"),
    ]
    assert all(o.reason and o.next_step for o in outcomes if o.status == "refused")
    assert "names no recording" in outcomes[3].reason
    assert workspace.record(new.stem).labels == {"AF": 1.0}


def test_a_table_without_the_column_record_starts_nothing(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("name,AF\nx,1\n")
    before = len(workspace.jobs())
    with pytest.raises(WorldError, match="'record' is missing"):
        workspace.import_files([SAMPLES], labels=tmp_path / "table.csv")
    with pytest.raises(WorldError, match="nothing to read"):
        workspace.import_files([])
    assert len(workspace.jobs()) == before


def test_a_name_that_two_recordings_have_is_no_name(workspace: Workspace, tmp_path: Path) -> None:
    other = sorted(SAMPLES.glob("*.hea"))[7]
    text = other.read_text().replace(other.stem, NAMES[0])
    (tmp_path / f"{NAMES[0]}.hea").write_text(text)
    shutil.copy(other.with_suffix(".dat"), tmp_path / f"{NAMES[0]}.dat")
    imported(workspace, [tmp_path / f"{NAMES[0]}.hea"])
    with pytest.raises(UsageError, match="several have this name"):
        workspace.record(NAMES[0])
    job = imported(workspace, [SAMPLES / f"{NAMES[1]}.hea"], f"record,AF\n{NAMES[0]},1\n")
    assert "several recordings have this name" in workspace.outcomes(job)[-1].reason


def test_recordings_of_one_patient_share_a_pseudonym_and_others_stand_alone(workspace: Workspace) -> None:
    names = NAMES[:4]
    table = "record,patient_id,age,sex\n" + "".join(f"{name},MRN-{n // 2},97,w\n" for n, name in enumerate(names))
    imported(workspace, [SAMPLES / f"{name}.hea" for name in names], table)
    rows = workspace.records()
    assert rows[0].patient == rows[1].patient != rows[2].patient == rows[3].patient
    assert len({row.patient for row in rows}) == 4
    assert all(re.fullmatch("p[0-9a-f]{12}", row.patient) for row in rows)
    assert (rows[0].age, rows[0].age_text, rows[0].sex) == (90.0, "90+", "female")


@pytest.mark.skipif("sys.platform != 'linux'", reason="only Linux allows such names")
def test_a_file_whose_name_is_no_text_is_refused_with_its_own_line(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    shutil.copy(SAMPLES / f"{NAMES[0]}.hea", folder)
    shutil.copy(SAMPLES / f"{NAMES[0]}.dat", folder)
    (Path(str(folder)) / b"bad\xff.hea".decode(errors="surrogateescape")).write_text("x")
    job = imported(workspace, [folder])
    told = {outcome.file: outcome for outcome in workspace.outcomes(job)}
    assert told["bad\\udcff.hea"].status == "refused"
    assert "UTF-8" in told["bad\\udcff.hea"].reason


def test_nothing_that_leaves_the_workspace_names_a_patient_or_a_file(workspace: Workspace, tmp_path: Path) -> None:
    secret = tmp_path / "Mueller_Anna_1950"
    secret.mkdir()
    new = sorted(SAMPLES.glob("*.hea"))[8]
    (secret / "Mueller_Anna.hea").write_text(new.read_text().replace(new.stem, "Mueller_Anna"))
    shutil.copy(new.with_suffix(".dat"), secret / "Mueller_Anna.dat")
    (secret / "Mueller_broken.hea").write_text("Mueller_broken 12 500")
    job = imported(workspace, [secret], "record,patient_id,AF\nMueller_Anna,MRN-4711,1\n")
    workspace.create_cohort("main", folds=2)
    told = [str(workspace.audit()), str(workspace.job_detail(job)), str(workspace.events(job))]
    folder = workspace.path / "runs" / job
    told += [(folder / name).read_text() for name in ("events.jsonl", "config.json", "console.log", "results.json")]
    assert workspace.record("Mueller_Anna").labels == {"AF": 1.0}
    for text in told:
        assert "Mueller" not in text
        assert "4711" not in text
