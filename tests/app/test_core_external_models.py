"""Vendors' models, registered: by content, whole or not at all, never twice under one name, and nothing of them run."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from core_cases import make_workspace, quick_copy, sha256
from external_cases import CONTRACT, archive, graph, safetensors, vendor_card
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_files import write_onnx

from app.core import external_models, external_rows, models
from app.core.loopback import loopback_address
from app.core.model_files import format_of, of_file
from app.core.onnx_outline import NoOnnx, outline
from app.report.facts import HomeFacts
from app.workspace import Workspace
from engine.contract.card import Lineage
from engine.contract.config import EvaluationSettings
from engine.contract.errors import UsageError, WorldError

OWN = EvaluationSettings(mode="own")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("template") / "workspace", count=4)


@pytest.fixture
def workspace(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    with quick_copy(template, tmp_path, monkeypatch) as opened:
        yield opened


def kept(workspace: Workspace) -> list[str]:
    return sorted(path.name for path in (workspace.path / "models").iterdir())


def test_a_vendor_s_file_is_kept_by_its_hash_and_its_row_tells_all(workspace: Workspace, tmp_path: Path) -> None:
    file = graph(tmp_path / "vendor")
    row = workspace.add_external(file, vendor_card(), name="mine")
    assert (row.name, row.source, row.sha256) == ("mine", "external", sha256(file.read_bytes()))
    assert row.card["files"] == {"model.onnx": row.sha256}
    assert (row.card["format"], row.card["output"], row.card["assumed"]) == ("onnx", "logits", [])
    shutil.rmtree(tmp_path / "vendor")
    assert sha256((workspace.path / "models" / row.sha256 / "model.onnx").read_bytes()) == row.sha256
    detail = workspace.audit()[0].detail
    assert (detail["format"], detail["licence"], detail["sha256"]) == ("onnx", "Apache-2.0", row.sha256)


def test_the_engine_is_told_the_folder_where_the_files_stand_now(workspace: Workspace, tmp_path: Path) -> None:
    row = workspace.add_external(graph(tmp_path / "vendor"), vendor_card())
    workspace.create_cohort("main", folds=2)
    job = workspace.evaluate("vendor", "main", labels=["NORM"], settings=OWN)
    config = json.loads((workspace.path / "runs" / job / "config.json").read_text(encoding="utf-8"))
    assert config["model"]["folder"] == str(workspace.path / "models" / row.sha256)
    assert workspace.job_detail(job).config["model"]["folder"] == f"models/{row.sha256}"
    with workspace._home.db.read() as session:
        assert models.source_of(workspace._home, models.get(session, "vendor")).source == "external"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("m/data.pkl", "m/constants.pkl", "m/code/x.py"), "torchscript"),
        (("m/models/model.json", "m/archive_format", "m/data/weights/w"), "pt2"),
        (("serialized_exported_program.json", "version"), "pt2"),
    ],
)
def test_an_archive_is_told_by_what_is_in_it_and_not_by_its_suffix(
    tmp_path: Path, names: tuple[str, ...], expected: str
) -> None:
    assert format_of(archive(tmp_path / "model.onnx", *names)) == expected


def test_weights_and_graphs_are_told_by_their_content(tmp_path: Path) -> None:
    assert format_of(safetensors(tmp_path / "model.pt")) == "safetensors"
    assert format_of(graph(tmp_path, "model.safetensors")) == "onnx"


@pytest.mark.parametrize("content", [b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", b"\x80\x04\x95\x00", b"\x80\x05K."])
def test_a_pickle_is_refused_with_the_way_to_convert_it(workspace: Workspace, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(WorldError, match="isoline-engine convert-checkpoint") as caught:
        workspace.add_external(tmp_path / "model.onnx", vendor_card())
    assert caught.value.fault == "pickled_checkpoint"
    with pytest.raises(WorldError, match="pickled checkpoint"):
        workspace.add_external(archive(tmp_path / "c.pt", "c/data.pkl", "c/version", "c/data/0"), vendor_card())
    assert (workspace.models(), kept(workspace)) == ([], [])


@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=400))
def test_whatever_a_file_holds_it_is_told_or_refused_and_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.mktemp("any") / "model"
    file.write_bytes(content)
    with suppress(WorldError):
        assert of_file(file).sha256


@settings(max_examples=100, deadline=None)
@given(place=st.integers(0, 200), byte=st.integers(0, 255))
def test_a_damaged_graph_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, place: int, byte: int) -> None:
    file = graph(tmp_path_factory.mktemp("any"), weights="w.data")
    content = bytearray(file.read_bytes())
    content[place % len(content)] = byte
    file.write_bytes(bytes(content))
    with suppress(NoOnnx):
        assert outline(file).nodes > 0


def test_weights_beside_a_graph_are_hashed_and_copied_with_it(workspace: Workspace, tmp_path: Path) -> None:
    file = graph(tmp_path / "vendor", weights="part/w.data")
    with pytest.raises(WorldError, match=r"'w\.data' with its weights does not stand beside it"):
        workspace.add_external(file, vendor_card())
    (tmp_path / "vendor" / "part").mkdir()
    (tmp_path / "vendor" / "part" / "w.data").write_bytes(b"weights")
    row = workspace.add_external(file, vendor_card())
    assert row.card["files"] == {"model.onnx": sha256(file.read_bytes()), "part/w.data": sha256(b"weights")}
    assert row.sha256 not in row.card["files"].values()
    assert (workspace.path / "models" / row.sha256 / "part" / "w.data").read_bytes() == b"weights"
    assert HomeFacts(workspace._home).model_sha256(row.sha256) == row.sha256
    (tmp_path / "vendor" / "part" / "w.data").write_bytes(b"other")
    assert workspace.add_external(file, vendor_card(), name="other").sha256 != row.sha256


@pytest.mark.parametrize("place", ["../w.data", "/etc/passwd", "C:\\w.data", "a/../../w.data", "..\\w.data"])
def test_weights_outside_of_the_model_s_folder_are_refused(workspace: Workspace, tmp_path: Path, place: str) -> None:
    (tmp_path / "w.data").write_bytes(b"weights")
    with pytest.raises(WorldError, match="outside of its folder"):
        workspace.add_external(graph(tmp_path / "vendor", weights=place), vendor_card())
    assert kept(workspace) == []


def test_a_graph_with_operators_of_its_maker_s_own_is_refused_before_it_takes_a_name(
    workspace: Workspace, tmp_path: Path
) -> None:
    file = write_onnx(tmp_path / "m.onnx", "x", ("1", "12", "1000"), ("y", ("1", "1")), domain="com.evil\x1b[2J")
    with pytest.raises(WorldError, match=r"code of its maker's.*com\.evil\?\[2J/Identity"):
        workspace.add_external(file, vendor_card())
    assert kept(workspace) == []


@pytest.mark.skipif(os.name == "nt", reason="links need a right on Windows")
def test_a_link_that_leads_outside_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    file = graph(tmp_path / "vendor", weights="w.data")
    (tmp_path / "vendor" / "w.data").symlink_to(tmp_path / "secret")
    with pytest.raises(WorldError, match="outside of its folder"):
        workspace.add_external(file, vendor_card())
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "run.py").symlink_to(tmp_path / "secret")
    with pytest.raises(WorldError, match="a link or something else"):
        workspace.add_external(tmp_path / "program", vendor_card(), command=("python", "run.py"))
    assert kept(workspace) == []


def test_a_program_is_kept_with_its_whole_folder_and_its_arguments(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "program"
    (folder / "lib").mkdir(parents=True)
    (folder / "run.py").write_text("pass", encoding="utf-8")
    (folder / "lib" / "w.bin").write_bytes(b"w")
    row = workspace.add_external(folder, vendor_card(), command=("python", "run.py", "--fast"))
    assert sorted(row.card["files"]) == ["lib/w.bin", "run.py"]
    assert HomeFacts(workspace._home).model_sha256(row.sha256) == row.sha256
    other = workspace.add_external(folder, vendor_card(), name="slow", command=("python", "run.py"))
    assert other.sha256 != row.sha256
    with pytest.raises(WorldError, match="needs the folder"):
        workspace.add_external(folder / "run.py", vendor_card(), command=("python", "run.py"))


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000/predict", "http://localhost:1/", "http://[::1]:80/x"])
def test_a_service_on_this_machine_is_registered_and_marked(workspace: Workspace, address: str) -> None:
    row = workspace.add_external(None, vendor_card(), address=address)
    assert (row.card["format"], row.card["files"]) == ("endpoint", {})
    assert any("not isolated" in note for note in row.card["notes"])
    assert HomeFacts(workspace._home).model_sha256(row.sha256) == row.sha256


@pytest.mark.parametrize(
    "address",
    [
        "http://10.0.0.1/predict",
        "http://0.0.0.0:80/",
        "https://127.0.0.1/",
        "http://example.org/",
        "http://127.0.0.1@example.org/",
        "http://localhost.example.org/",
        "http://2130706433/",
        "file:///etc/passwd",
        "127.0.0.1:8000",
        "http://[::1",
        "",
    ],
)
def test_any_other_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="endpoint"):
        loopback_address(address)


def test_a_registered_version_stays_as_it_is(workspace: Workspace, tmp_path: Path) -> None:
    file = graph(tmp_path / "vendor")
    row = workspace.add_external(file, vendor_card())
    assert workspace.add_external(file, vendor_card()) == row
    other = CONTRACT.model_copy(update={"units": "uV"})
    for told in ({"preprocessing": other}, {"licence": "MIT"}, {"version": "2"}):
        with pytest.raises(UsageError, match="a registered version stays as it is"):
            workspace.add_external(file, vendor_card(**told))
        assert workspace.add_external(file, vendor_card(**told), name=f"other {len(workspace.models())}").sha256
    with pytest.raises(UsageError, match="another model has this name"):
        workspace.add_external(graph(tmp_path / "new", node="z"), vendor_card(), name="vendor")
    assert workspace.model("vendor") == row


def test_two_things_are_never_one_version_of_a_product(workspace: Workspace, tmp_path: Path) -> None:
    workspace.add_external(graph(tmp_path / "a"), vendor_card(product="ecg", version="v1"), name="ecg v1")
    with pytest.raises(UsageError, match="has a version v1 here already: 'ecg v1'"):
        workspace.add_external(graph(tmp_path / "b", node="z"), vendor_card(product="ecg", version="v1"), name="twin")
    with pytest.raises(UsageError, match="has a version v1 here already"):
        workspace.add_external(graph(tmp_path / "b", node="z"), vendor_card(name="ecg v1", product="ecg", version="v1"))
    workspace.add_external(graph(tmp_path / "b", node="z"), vendor_card(product="ecg", version="v2"), name="ecg v2")
    assert [row.version for row in workspace.model_versions("ecg")] == ["v1", "v2"]
    assert workspace.model_versions("") == workspace.model_versions("none") == []


def test_a_non_commercial_licence_asks_for_a_reason_that_is_kept(workspace: Workspace, tmp_path: Path) -> None:
    file = graph(tmp_path / "vendor")
    with pytest.raises(UsageError, match="--reason"):
        workspace.add_external(file, vendor_card(non_commercial=True))
    with pytest.raises(UsageError, match="forbids commercial use"):
        workspace.add_external(file, vendor_card(non_commercial=True, reason="  "))
    assert kept(workspace) == []
    row = workspace.add_external(file, vendor_card(non_commercial=True, reason="a study without profit"))
    assert row.card["reason"] == "a study without profit"
    assert row.marks == ("licence forbids commercial use",)
    assert workspace.audit()[0].detail["reason"] == "a study without profit"


def test_a_kill_between_files_and_row_leaves_no_row_and_the_next_try_is_whole(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    file = graph(tmp_path / "vendor")
    with monkeypatch.context() as patched:
        patched.setattr(external_rows, "add", killed)
        with pytest.raises(KeyboardInterrupt):
            workspace.add_external(file, vendor_card())
    assert workspace.models() == []
    row = workspace.add_external(file, vendor_card())
    assert kept(workspace) == [row.sha256]


def test_a_kill_while_files_are_copied_leaves_nothing_that_could_be_taken_for_a_model(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(external_models.shutil, "copyfile", killed)
        with pytest.raises(KeyboardInterrupt):
            workspace.add_external(graph(tmp_path / "vendor"), vendor_card())
    assert (workspace.models(), kept(workspace)) == ([], [])


def test_a_file_that_was_damaged_in_the_workspace_is_made_good_from_an_undamaged_copy(
    workspace: Workspace, tmp_path: Path
) -> None:
    file = graph(tmp_path / "vendor")
    row = workspace.add_external(file, vendor_card())
    place = workspace.path / "models" / row.sha256 / "model.onnx"
    place.write_bytes(b"damaged")
    assert HomeFacts(workspace._home).model_sha256(row.sha256) != row.sha256
    assert workspace.add_external(file, vendor_card()) == row
    assert place.read_bytes() == file.read_bytes()


def test_weights_need_the_network_that_they_belong_to(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--architecture"):
        workspace.add_external(safetensors(tmp_path / "w"), vendor_card())
    row = workspace.add_external(safetensors(tmp_path / "w"), vendor_card(architecture="ECGResNet"))
    assert row.card["files"] == {"weights.safetensors": row.sha256}


def test_a_checkpoint_of_ours_finds_its_card_where_its_weights_came_as_a_vendor_s_before(
    workspace: Workspace, tmp_path: Path
) -> None:
    weights = safetensors(tmp_path / "weights.safetensors")
    row = workspace.add_external(weights, vendor_card(architecture="ECGResNet"))
    own = vendor_card(source="native", name="ours", weights_sha256=row.sha256)
    (tmp_path / "card.json").write_text(own.model_dump_json(), encoding="utf-8")
    assert workspace.add_checkpoint(tmp_path).sha256 == row.sha256
    assert (workspace.path / "models" / row.sha256 / "card.json").is_file()


def test_a_card_that_tells_another_format_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="by its content it is: ONNX graph"):
        workspace.add_external(graph(tmp_path / "vendor"), vendor_card(format="torchscript"))
    for path, more in ((None, {}), (tmp_path, {"address": "http://127.0.0.1/"})):
        with pytest.raises(UsageError):
            workspace.add_external(path, vendor_card(), **more)  # type: ignore[arg-type]


def test_somebody_s_word_on_an_incomplete_sandbox_is_kept_in_the_trail(workspace: Workspace, tmp_path: Path) -> None:
    file = graph(tmp_path / "vendor")
    before = workspace.add_external(file, vendor_card())
    for _ in range(2):
        assert workspace.agree_to_incomplete_sandbox("vendor").sha256 == before.sha256
    assert [row.action for row in workspace.audit()].count("incomplete sandbox agreed to") == 1
    with workspace._home.db.read() as session:
        assert models.source_of(workspace._home, models.get(session, "vendor")).allow_incomplete is True  # type: ignore[union-attr]
    assert workspace.add_external(file, vendor_card()).sha256 == before.sha256
    workspace.add_external(None, vendor_card(), name="service", address="http://127.0.0.1:1/")
    workspace.add_baseline()
    for name in ("service", "age + sex"):
        with pytest.raises(UsageError, match="no code of somebody else's"):
            workspace.agree_to_incomplete_sandbox(name)


def test_the_lineage_of_a_model_is_a_graph_of_what_came_before_and_after(workspace: Workspace, tmp_path: Path) -> None:
    first = workspace.add_external(graph(tmp_path / "a"), vendor_card(name="first"))
    child = Lineage(corpus="ward", parent_sha256=first.sha256, parent_name="first")
    workspace.add_external(graph(tmp_path / "b", node="z"), vendor_card(name="child", lineage=child))
    orphan = Lineage(parent_sha256="0" * 64, parent_name="somebody's")
    workspace.add_external(graph(tmp_path / "c", node="q"), vendor_card(name="orphan", lineage=orphan))
    workspace.create_cohort("main", folds=2)
    job = workspace.evaluate("child", "main", labels=["NORM"], settings=OWN)
    told = workspace.model_lineage("child")
    assert told.nodes[0].key == "model child"
    edges = {(edge.start, edge.how, edge.end) for edge in told.edges}
    assert edges == {
        ("corpus ward", "trained", "model child"),
        ("model first", "went on", "model child"),
        ("corpus CODE-15", "trained", "model first"),
        ("model child", "examined", f"run {job}"),
    }
    assert ("model first", "went on", "model child") in {
        (edge.start, edge.how, edge.end) for edge in workspace.model_lineage("first").edges
    }
    assert [node.kind for node in workspace.model_lineage("orphan").nodes] == ["model", "unregistered model"]


def test_what_is_known_declined_missing_and_assumed_is_told_field_by_field(
    workspace: Workspace, tmp_path: Path
) -> None:
    bare: dict[str, Any] = {"leads": ("II",), "rate_hz": 500, "window_s": 10, "axes": "batch time"}
    contract = type(CONTRACT)(**bare)
    declined = ("lineage.corpus", "preprocessing.units")
    card = vendor_card(preprocessing=contract, declined=declined, lineage=Lineage(), non_commercial=None)
    workspace.add_external(graph(tmp_path / "vendor"), card)
    told = {gap.field: gap for gap in workspace.model_card_gaps("vendor")}
    states = {name: told[name].state for name in ("lineage.corpus", "preprocessing.units", "preprocessing.filters")}
    assert list(states.values()) == ["declined", "assumed", "assumed"]
    assert (told["developer"].state, told["licence"].state, told["non_commercial"].state) == (
        "missing",
        "known",
        "missing",
    )
    assert told["preprocessing.clip_mv"].told == "none"
    assert all(bool(gap.meaning) == (gap.state != "known") for gap in told.values())
    assert told["outputs.y"].told == "logits: NORM, MI"
