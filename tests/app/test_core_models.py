import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from core_cases import make_workspace, quick_copy, sha256, tiny_config

from app.core import models
from app.workspace import Workspace
from engine.contract.card import ModelCard
from engine.contract.config import S4Config
from engine.contract.errors import UsageError, WorldError


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("template") / "workspace", count=4)


@pytest.fixture
def workspace(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    with quick_copy(template, tmp_path, monkeypatch) as opened:
        yield opened


def checkpoint(folder: Path, weights: bytes = b"weights", **card: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "weights.safetensors").write_bytes(weights)
    written = ModelCard(**{"name": "outside", "source": "native", "weights_sha256": sha256(weights), **card})
    (folder / "card.json").write_text(written.model_dump_json(), encoding="utf-8")
    return folder


def predictions(workspace: Workspace, rows: list[str], header: str = "record,label,score") -> Path:
    path = workspace.path.parent / "vendor.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_a_pretraining_registers_what_it_made_with_its_lineage(workspace: Workspace) -> None:
    job = workspace.pretrain(tiny_config())
    workspace.wait(job, timeout_s=30)
    row = workspace.model("tiny")
    assert (row.source, row.job_id, row.sha256) == ("native", job, sha256(b"weights of tiny"))
    assert (workspace.path / "models" / row.sha256 / "weights.safetensors").read_bytes() == b"weights of tiny"
    lineage = row.card["lineage"]
    assert (lineage["run_id"], lineage["records"], lineage["patients"], lineage["corpus"]) == (job, 4, 4, "local")
    manifest = (workspace.path / "runs" / job / "manifest.csv").read_bytes()
    assert lineage["corpus_sha256"] == sha256(manifest)


def test_models_of_one_name_are_told_apart(workspace: Workspace) -> None:
    for _ in range(3):
        workspace.wait(workspace.pretrain(tiny_config()), timeout_s=30)
    assert [row.name for row in workspace.models()] == ["tiny", "tiny 2", "tiny 3"]
    assert {row.sha256 for row in workspace.models()} == {sha256(b"weights of tiny")}


def test_a_checkpoint_from_outside_is_copied_by_its_hash(workspace: Workspace, tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "step-000500")
    row = workspace.add_checkpoint(folder, "mine")
    assert (row.name, row.card["name"], row.sha256) == ("mine", "mine", sha256(b"weights"))
    shutil.rmtree(folder)
    assert (workspace.path / "models" / row.sha256 / "weights.safetensors").read_bytes() == b"weights"
    again = workspace.add_checkpoint(checkpoint(tmp_path / "again"), "mine")
    assert again == row
    with pytest.raises(UsageError, match="another model has this name"):
        workspace.add_checkpoint(checkpoint(tmp_path / "other", b"other"), "mine")


def test_weights_that_are_not_those_of_their_card_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "a", weights_sha256="0" * 64)
    with pytest.raises(WorldError, match="not those its card names"):
        workspace.add_checkpoint(folder)
    (folder / "card.json").write_text("{}", encoding="utf-8")
    with pytest.raises(WorldError, match=r"card\.json"):
        workspace.add_checkpoint(folder)
    with pytest.raises(WorldError, match="checkpoint"):
        workspace.add_checkpoint(tmp_path / "nowhere")
    assert workspace.models() == []
    assert list((workspace.path / "models").iterdir()) == []


def test_a_registered_folder_is_never_overwritten(workspace: Workspace, tmp_path: Path) -> None:
    row = workspace.add_checkpoint(checkpoint(tmp_path / "a"), "mine")
    kept = workspace.path / "models" / row.sha256 / "card.json"
    before = kept.read_bytes()
    workspace.add_checkpoint(checkpoint(tmp_path / "b", developer="somebody else"), "second")
    assert kept.read_bytes() == before


def test_random_weights_and_the_baseline_are_named_by_their_definition(workspace: Workspace) -> None:
    backbone = S4Config(width=8, depth=1)
    first = workspace.add_random_model("random S4", backbone, seed=1)
    assert workspace.add_random_model("random S4", backbone, seed=1) == first
    assert workspace.add_random_model("same under another name", backbone, seed=1).sha256 == first.sha256
    assert workspace.add_random_model("other seed", backbone, seed=2).sha256 != first.sha256
    with pytest.raises(UsageError, match="another model has this name"):
        workspace.add_random_model("random S4", backbone, seed=3)
    assert workspace.add_baseline() == workspace.add_baseline()
    assert workspace.model("age + sex").card["preprocessing"] is None
    with pytest.raises(UsageError, match="model nowhere"):
        workspace.model("nowhere")


def test_predictions_are_matched_by_file_name_or_record_id(workspace: Workspace) -> None:
    first, second, third, _ = workspace.records()
    rows = [f"{first.source_name}.hea,MI,0.9", f"{second.record_id},MI,0.1", f"{third.source_name},MI,1e-3"]
    row = workspace.add_predictions(predictions(workspace, rows))
    assert (row.name, row.source, row.card["output"]) == ("vendor", "predictions", "uncalibrated score")
    file = workspace.path / "models" / row.sha256 / "predictions.npz"
    assert sha256(file.read_bytes()) == row.sha256
    with np.load(file) as kept:
        found = dict(zip(kept["record_id"].tolist(), kept["score"].tolist(), strict=True))
        assert set(kept["label"].tolist()) == {"MI"}
    assert found == {first.record_id: 0.9, second.record_id: 0.1, third.record_id: 1e-3}
    assert workspace.add_predictions(predictions(workspace, list(reversed(rows)))).sha256 == row.sha256


def test_what_a_maker_declares_later_of_known_scores_is_refused_and_not_dropped(workspace: Workspace) -> None:
    path = predictions(workspace, [f"{workspace.records()[0].source_name},MI,0.9"])
    workspace.add_predictions(path, "vendor", "PTB-XL")
    assert workspace.add_predictions(path, "vendor").card["lineage"]["corpus"] == "PTB-XL"
    with pytest.raises(UsageError, match="its card says otherwise what it was trained on"):
        workspace.add_predictions(path, "vendor", "CODE-15")
    assert [row.card["lineage"]["corpus"] for row in workspace.models()] == ["PTB-XL"]


def test_others_may_write_while_the_files_of_a_model_are_read_and_copied(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied, copy_in = [], models.copy_in

    def beside(*told: object) -> None:
        with closing(sqlite3.connect(workspace.path / "isoline.db", timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")  # refused at once while somebody else holds the lock
        copied.append(told)
        copy_in(*told)

    monkeypatch.setattr(models, "copy_in", beside)
    workspace.add_checkpoint(checkpoint(tmp_path / "step-000500"), "mine")
    workspace.add_predictions(predictions(workspace, [f"{workspace.records()[0].source_name},MI,0.9"]))
    assert len(copied) == 2


def test_rows_that_cannot_be_used_are_counted_by_reason(workspace: Workspace) -> None:
    name = workspace.records()[0].source_name
    rows = [f"{name},MI,1", f"{name},MI,0", "nobody,MI,1", f"{name},AF,high", f"{name},CD,nan", f"{name},,1"]
    rows.append(f"{name},STTC,0,9")
    notes = workspace.add_predictions(predictions(workspace, rows)).card["notes"]
    assert notes[0].startswith("Scores as supplied for 1 recording; file sha256")
    assert notes[1].startswith("No output in 1 answer: counted")
    assert notes[2:] == [
        "1 row left out: more cells than columns.",
        "1 row left out: no label named.",
        "1 row left out: no recording of this name.",
        "1 row left out: recording and label stand in an earlier row.",
        "1 row left out: the score is no finite number.",
    ]
    assert workspace.models()[0].card["output"] == "binary flag"


def test_predictions_for_nobody_here_or_without_columns_are_refused(workspace: Workspace) -> None:
    with pytest.raises(WorldError, match="1 row: no recording of this name"):
        workspace.add_predictions(predictions(workspace, ["nobody,MI,1"]))
    with pytest.raises(WorldError, match="'score' is missing"):
        workspace.add_predictions(predictions(workspace, ["a,b"], header="record,label"))
    with pytest.raises(WorldError, match="no row can be used"):
        workspace.add_predictions(predictions(workspace, []))
    assert workspace.models() == []
    assert list((workspace.path / "models").iterdir()) == []


def test_an_evaluation_takes_the_labels_that_the_predictions_speak_of(workspace: Workspace) -> None:
    workspace.create_cohort("main", folds=2)
    rows = [f"{row.source_name},MI,0.5" for row in workspace.records()]
    workspace.add_predictions(predictions(workspace, rows), "vendor")
    with pytest.raises(UsageError, match="They hold: MI"):
        workspace.evaluate("vendor", "main", labels=["NORM"])
    job = workspace.evaluate("vendor", "main", labels=["MI"])
    config = json.loads((workspace.path / "runs" / job / "config.json").read_text(encoding="utf-8"))
    assert config["labels"] == ["MI"]
    assert Path(config["model"]["file"]).is_file()
    assert (
        workspace.job_detail(job).config["model"]["file"]
        == f"models/{workspace.model('vendor').sha256}/{models.SCORES}"
    )


def test_a_model_whose_window_is_longer_than_a_recording_is_refused_before_anything_starts(
    workspace: Workspace,
) -> None:
    workspace.create_cohort("main", folds=2)
    workspace.add_random_model("long", S4Config(width=8, depth=1), window_s=20.0)
    with pytest.raises(WorldError, match="4 of its recordings are shorter"):
        workspace.evaluate("long", "main", labels=["NORM"])


def test_a_comparison_needs_finished_evaluations_of_one_split(workspace: Workspace) -> None:
    job = workspace.pretrain(tiny_config())
    with pytest.raises(UsageError, match="two or more different"):
        workspace.compare([job])
    with pytest.raises(UsageError, match="two or more different"):
        workspace.compare([job, job])
    with pytest.raises(UsageError, match="run of kind pretrain"):
        workspace.compare([job, "J0001"])


def test_a_disk_that_is_full_while_a_model_is_kept_loses_no_model(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    job = workspace.pretrain(tiny_config())
    with monkeypatch.context() as disk:
        disk.setattr(models.shutil, "copyfile", full)
        row = workspace.wait(job, timeout_s=30)
        assert row.state == "failed"
        assert "No space left" in row.message
    workspace.resume(job)
    assert workspace.wait(job, timeout_s=30).state == "done"
    assert [model.job_id for model in workspace.models()] == [job]
