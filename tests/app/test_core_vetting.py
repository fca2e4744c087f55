"""Asking for a vetting: what is queued and brought along, what is refused, and how its outcome is kept and told."""

import json
from pathlib import Path

import numpy as np
import pytest
from core_cases import make_workspace, quick_copy
from vetting_results import certificate, results

from app import cli
from app.commands.vetting_words import certificate_words, vetting_words
from app.core import finish, golden, jobs, launch, leaving
from app.core.probes import opened_by
from app.governance.dossier import ModelSection
from app.governance.vettings import vettings_of
from app.ui.examination_facts import vet_facts
from engine.contract.card import ModelCard, Output, Preprocessing
from engine.contract.config import EvaluationSettings, S4Config
from engine.contract.errors import UsageError, WorldError
from engine.contract.vetting import GOLDEN, REFERENCE
from engine.data.golden import golden_sha256, read_golden
from engine.data.reference_outputs import read_reference
from engine.signal.readers import read_recording

CARD = ModelCard(
    name="codec",
    source="external",
    format="safetensors",
    architecture="ecgresnet",
    licence="Apache-2.0",
    preprocessing=Preprocessing(rate_hz=100, window_s=3),
    outputs=(Output(name="logits", kind="logits", classes=("NORM", "MI"), activation="sigmoid"),),
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("template") / "workspace", count=12)


@pytest.fixture
def workspace(template, tmp_path, monkeypatch):
    with quick_copy(template, tmp_path, monkeypatch) as opened:
        weights = tmp_path / "weights.safetensors"
        weights.write_bytes(b"\x02\x00\x00\x00\x00\x00\x00\x00{}")
        opened.add_external(weights, CARD)
        opened.create_cohort("main", labels=["NORM"], folds=2)
        yield opened


@pytest.fixture
def reference(tmp_path) -> Path:
    path = tmp_path / "Mueller reference.csv"
    path.write_text("record,output,class,value\ngolden-01,logits,MI,0.25\n", encoding="utf-8")
    return path


def done(workspace, job, told):
    """Take in results as if the engine had written them."""
    with workspace._home.db.write() as session:
        row = jobs.get(session, job)
        row.results, row.state = told.model_dump_json(), "done"
        return finish.ACTS["vet"](session, workspace._home, row, told)


def test_a_vetting_brings_the_golden_ecgs_and_needs_no_cohort(workspace):
    job = workspace.vet("codec")
    config = workspace.job_detail(job).config
    assert (config["kind"], config["cohort"], config["labels"]) == ("vet", "", [])
    assert config["model"]["folder"].startswith("models/")
    brought = read_golden(workspace.path / "runs" / job / GOLDEN)
    assert [one.name for one in brought] == list(golden.FILES)
    assert golden_sha256(brought) == golden.SHA256
    assert not (workspace.path / "runs" / job / REFERENCE).exists()


def test_the_vendors_numbers_come_along_and_neither_their_files_name_nor_path(workspace, reference):
    job = workspace.vet("codec", reference=reference)
    folder = workspace.path / "runs" / job
    given = read_reference(folder / REFERENCE)
    np.testing.assert_array_equal(given.numbers["golden-01", "logits"], [np.nan, 0.25])
    assert len(workspace.job_detail(job).config["reference_sha256"]) == 64
    assert all(b"Mueller" not in path.read_bytes() for path in folder.iterdir() if path.is_file())
    assert all("Mueller" not in str(event) for event in workspace.audit())


def test_labels_are_opened_for_a_vetting_that_looks_for_losses_and_for_no_other(workspace):
    before = workspace.cohort("main").openings
    plain = workspace.vet("codec", cohort="main")
    asked = workspace.vet("codec", cohort="main", labels=["NORM"])
    with workspace._home.db.read() as session:
        assert opened_by(jobs.get(session, plain)) is None
        assert opened_by(jobs.get(session, asked)) == ("main", 1)
    launch._prepare(workspace._home, plain)
    launch._prepare(workspace._home, asked)
    assert not (workspace.path / "runs" / plain / "labels.npz").exists()
    with np.load(workspace.path / "runs" / asked / "labels.npz") as opened:
        assert opened["labels"].tolist() == ["NORM"]
    assert workspace.cohort("main").openings == before


def test_what_cannot_be_vetted_is_refused_before_anything_is_queued(workspace, reference, tmp_path):
    workspace.add_random_model("untrained", S4Config(width=8, depth=1))
    with pytest.raises(UsageError, match="no contract with somebody else"):
        workspace.vet("untrained")
    with pytest.raises(UsageError, match="none of this name"):
        workspace.vet("nobody")
    with pytest.raises(UsageError, match="they are those of a cohort"):
        workspace.vet("codec", labels=["NORM"])
    with pytest.raises(UsageError, match="has no class"):
        workspace.vet("codec", cohort="main", labels=["STTC"])
    with pytest.raises(UsageError, match="tolerance"):
        workspace.vet("codec", settings={"tolerance": 7})
    reference.write_text("record,output,class,value\nsomebody,logits,MI,0.25\n", encoding="utf-8")
    with pytest.raises(WorldError, match="no golden ECG"):
        workspace.vet("codec", reference=reference)
    assert all(row.kind != "vet" for row in workspace.jobs())


def test_a_class_may_be_named_for_a_label(workspace):
    job = workspace.vet("codec", cohort="main", labels=["STTC"], classes={"STTC": "logits: MI"})
    assert workspace.job_detail(job).config["classes"] == {"STTC": "logits: MI"}


def test_the_end_of_a_vetting_is_in_the_trail_with_counts_and_without_words(workspace):
    job = workspace.vet("codec")
    done(workspace, job, results(workspace.model("codec").sha256))
    event = next(event for event in workspace.audit() if event.action == "model vetted")
    assert event.subject == "codec"
    assert event.detail == {
        "job": job,
        "sha256": workspace.model("codec").sha256,
        "parity": "not met",
        "blocking": 0,
        "serious": 1,
        "note": 1,
        "silent losses": 1,
    }


def test_the_certificate_of_a_version_is_the_newest_that_compares_something(workspace):
    sha256 = workspace.model("codec").sha256
    with pytest.raises(UsageError, match="has not been vetted"):
        workspace.parity_certificate("codec")
    assert workspace.latest_vetting("codec") is None
    first = workspace.vet("codec")
    done(workspace, first, results(sha256))
    second = workspace.vet("codec")
    done(workspace, second, results(sha256, verdict="no reference supplied"))
    assert workspace.parity_certificate("codec").verdict == "not met"
    latest = workspace.latest_vetting("codec")
    assert (latest.job_id, latest.current) == (second, True)


def test_a_vetting_of_other_weights_is_none_of_this_version(workspace):
    done(workspace, workspace.vet("codec"), results("0" * 64))
    assert workspace.latest_vetting("codec") is None
    with pytest.raises(UsageError, match="has not been vetted"):
        workspace.parity_certificate("codec")


def test_the_shipped_golden_ecgs_are_those_that_certificates_name():
    told = golden.golden_ecgs()
    assert golden_sha256(told) == golden.SHA256
    assert {(one.rate_hz, one.signal_CT.shape) for one in told} == {(500.0, (12, 5000))}
    assert all(np.isfinite(one.signal_CT).all() for one in told)


def test_a_vendor_gets_the_same_samples_three_times_and_a_template(workspace, tmp_path, capsys):
    folder = tmp_path / "for the vendor"
    assert cli.main(["model", "golden", "codec", "--out", str(folder), "-w", str(workspace.path)]) == 0
    assert "53 files" in capsys.readouterr().out
    arrays = read_golden(folder / "golden.npz")
    table = np.loadtxt(folder / "csv" / "golden-01.csv", delimiter=",", skiprows=1, dtype=np.float32).T
    np.testing.assert_array_equal(table, arrays[0].signal_CT)
    samples = Path(golden.asset("samples", "ptbxl"))
    assert (folder / "wfdb" / "golden-01.dat").read_bytes() == (samples / "00003_hr.dat").read_bytes()
    again = read_recording(folder / "wfdb" / "golden-01.hea")
    np.testing.assert_array_equal(again.signal_CT, arrays[0].signal_CT)
    rows = (folder / "reference.csv").read_text().splitlines()
    assert rows[:3] == ["record,output,class,value", "golden-01,logits,NORM,", "golden-01,logits,MI,"]
    assert len(rows) == 1 + 16 * 2
    assert json.loads((folder / "contract.json").read_text())["preprocessing"]["window_s"] == 3
    with pytest.raises(WorldError, match="exists already"):
        workspace.export_golden("codec", folder)
    assert "ecg_id 3, 7, 10, " in (folder / "README.txt").read_text()


def test_a_workspace_that_holds_the_shipped_files_lets_none_of_their_names_out(workspace, tmp_path):
    """Results name golden ECGs, and dossiers print them: a file's name among them would stop the export."""
    assert workspace.record(sorted(golden.FILES.values())[0]).source_name == "00003_hr"
    words = json.dumps(results("a" * 64).model_dump(mode="json"))
    with workspace._home.db.read() as session:
        leaving.refuse_identifiers(
            session, workspace._home.key, "results", {"golden": " ".join(golden.FILES), "r": words}
        )
        assert leaving.search(session, workspace._home.key, {"golden": "00003_hr"})


def test_a_card_that_names_a_file_does_not_leave(workspace, tmp_path):
    told = CARD.model_copy(update={"name": "00003_hr"})
    with pytest.raises(WorldError, match="identifies somebody"):
        golden.export_golden(workspace._home, told, golden.golden_ecgs()[:1], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_verb_queues_prints_and_hands_out_the_certificate(workspace, reference, capsys):
    there = ["-w", str(workspace.path)]
    words = ["model", "vet", "codec", "--cohort", "main", "--label", "STTC", "--class", "STTC=MI"]
    assert cli.main([*words, "--reference", str(reference), "--loss", "0.02", *there]) == 0
    job = capsys.readouterr().out.split()[0]
    config = workspace.job_detail(job).config
    assert (config["classes"], config["loss"], config["cohort"]) == ({"STTC": "MI"}, 0.02, "main")
    assert cli.main(["model", "certificate", "codec", *there]) == 2
    done(workspace, job, results(workspace.model("codec").sha256))
    capsys.readouterr()
    assert cli.main(["model", "certificate", "codec", *there]) == 0
    assert "Parity certificate  not met" in " ".join(capsys.readouterr().out.split("\n")[0:1])
    assert cli.main(["model", "certificate", "codec", "--json", *there]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "not met"


def test_words_put_the_dangerous_item_first_and_in_capitals():
    told = vetting_words(results("a" * 64))
    assert "0 blocking, 1 serious, 1 note" in told
    assert "SERIOUS: Licence and permitted use: licence: nobody knows. Ask its maker." in told
    table = told[told.index("Made wrong") :].splitlines()
    assert table[1].startswith("Polarity inverted")
    assert "WORKS, ONLY WORSE" in table[1]
    assert "-0.120 (-0.200 to -0.050)" in table[1]
    assert "Not tried, since the contract has no such item: Not clipped." in told
    assert "Not looked at (the file tells none): Leads against the input's channels." in told
    assert "not met: largest difference 0.3 (limit 0.001, logits)" in told


def test_a_certificate_tells_differences_and_what_it_means():
    told = certificate_words(certificate("not met"))
    assert "golden-01, MI" in told
    assert "microvolts" in told
    assert "is not yet the vendor's product" in " ".join(told.split())
    assert "isoline model golden NAME" in certificate_words(certificate("no reference supplied"))
    assert "says nothing of whether" in " ".join(certificate_words(certificate("met")).split())


def test_a_runs_view_tells_what_weighs_most():
    told = vet_facts(results("a" * 64).model_dump(mode="json"))
    names = [fact.name for fact in told]
    assert names[:3] == ["Model", "In order", "Serious"]
    assert "Works, only worse" in names


def test_a_dossier_takes_the_newest_vetting_of_the_registered_version(workspace):
    job = workspace.evaluate("codec", "main", ["NORM"], EvaluationSettings(mode="own", resamples=100))
    section = ModelSection(CARD, "", job, None)
    with workspace._home.db.read() as session:
        assert vettings_of(session, [section]) == ()
    vetted = workspace.vet("codec")
    done(workspace, vetted, results(workspace.model("codec").sha256))
    with workspace._home.db.read() as session:
        (told,) = vettings_of(session, [section])
    assert (told.model, told.job_id, told.current) == ("codec", vetted, True)
    later = workspace.vet("codec")
    done(workspace, later, results(workspace.model("codec").sha256, "no reference supplied"))
    with workspace._home.db.read() as session:
        (told,) = vettings_of(session, [section])
    assert (told.job_id, told.certified_by, told.parity.verdict) == (later, vetted, "not met")
    assert set(told.runs) == {vetted, later}
