"""What is known of leaks is said wherever a cohort or a score of a model is shown; what nobody looked for, too."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from core_cases import QUICK, make_workspace

from app import cli
from app.core import exposure, jobs, leakage, models
from app.core.corpus_names import corpora_in, is_of
from app.core.schema import Job, JobMember, Record
from app.workspace import Workspace
from engine.contract.card import Lineage, ModelCard
from engine.contract.config import EvaluationSettings, S4Config
from engine.contract.leakage import LeakageConfig
from engine.contract.results import Copies, KnownLeaks, LeakageResults, Meeting
from engine.data.splits import split_digest

ALL = 12


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = make_workspace(tmp_path_factory.mktemp("leaks") / "ward")
    with Workspace.open(path) as workspace:
        workspace.create_cohort("main", folds=3)
        workspace.create_cohort("held out", holdout=0.3)
        workspace.add_random_model("random", S4Config(width=8, depth=1))
    return path


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Iterator[Workspace]:
    import shutil

    shutil.copytree(template, tmp_path / "ward")
    with Workspace.open(tmp_path / "ward") as opened:
        yield opened


def searched(
    workspace: Workspace,
    *meetings: Meeting,
    cohort: str = "main",
    against: Sequence[str] = (),
    pairs: Sequence[Copies] = (),
) -> str:
    """A search that is done and has found this."""
    sizes = {"fold-0": 4, "fold-1": 4, "fold-2": 4} | {f"against {name}": 7 for name in against}
    told = LeakageResults(
        leaks=bool(meetings), findings=[], records=ALL, patients=ALL, parts=sizes, meetings=list(meetings),
        method="as ever", seconds=1.0, pairs=list(pairs),
    )  # fmt: skip
    with workspace._home.db.write() as session:
        job_id = jobs.submit(session, workspace._home, LeakageConfig(store="", cohort=cohort), "x", cohort=cohort)
        job = jobs.get(session, job_id)
        jobs.set_state(job, "done", "", "")
        job.results = told.model_dump_json()
    return job_id


def copies(other: str, many: int = 2, part: str = "fold-0") -> Meeting:
    return Meeting(part=part, other=other, leak=True, copies=many)


def declare(workspace: Workspace, name: str, corpus: str, source: str = "native") -> None:
    """A model whose card says what it was trained on."""
    card = ModelCard(name=name, source=source, lineage=Lineage(corpus=corpus))
    with workspace._home.db.write() as session:
        definition = {"source": source, "name": name}
        models.register(session, name, name.ljust(64, "0"), card, definition)


def known(workspace: Workspace, model: str, cohort: str = "main") -> tuple[list[str], list[str]]:
    with workspace._home.db.read() as session:
        told = exposure.known(session, cohort, [model])
    return told.findings, told.unsearched


def test_a_cohort_that_was_never_searched_says_so(workspace: Workspace) -> None:
    assert workspace.leak_state("main").sentence == "not searched for copies"
    assert {row.name: row.leaks for row in workspace.cohorts()} == {"main": "not searched", "held out": "not searched"}
    assert known(workspace, "random") == ([], ["Cohort 'main': not searched for copies. See: isoline leakage main"])


def test_a_search_that_waits_or_failed_is_no_search(workspace: Workspace) -> None:
    job_id = workspace.leakage("main")
    assert workspace.cohort("main").leaks == "searching"
    with workspace._home.db.write() as session:
        jobs.set_state(jobs.get(session, job_id), "failed", "", "")
    assert workspace.leak_state("main").sentence == f"not searched for copies: the search {job_id} failed"
    assert workspace.cohort("main").leaks == "not searched"


def test_the_latest_search_of_each_side_counts(workspace: Workspace) -> None:
    searched(workspace, copies("fold-1"), copies("against ptb", 1), copies("against ptb", 1, "fold-2"), against=["ptb"])
    job_id = searched(workspace)
    state = workspace.leak_state("main")
    assert (state.verdict, state.job_id) == ("none found", job_id)
    assert {one.against: one.copies for one in state.searches} == {"": 0, "ptb": 2}
    assert state.searches[1].findings == ("2 recordings of the cohort have changed copies in ptb",)
    last = searched(workspace, copies("fold-1"))
    state = workspace.leak_state("main")
    assert (state.verdict, state.job_id, workspace.cohort("held out").leaks) == ("leaks", last, "not searched")
    assert state.sentence.startswith("2 recordings of fold-0 have changed copies in fold-1 (searched on ")


def test_a_cohort_that_is_made_anew_keeps_known_copies_in_one_part(workspace: Workspace) -> None:
    part = {row.record_id: row.split for row in workspace.cohort_members("main")}
    first = {name: next(one for one in sorted(part) if part[one] == name) for name in ("fold-0", "fold-1", "fold-2")}
    chain = (("fold-0", "fold-1"), ("fold-1", "fold-2"))
    pairs = [
        Copies(record=first[a], other=first[b], part=a, other_part=b, score=0.9, overlap_s=5, shift_s=0, exact=False)
        for a, b in chain
    ]
    searched(workspace, copies("fold-1"), pairs=pairs)
    workspace.create_cohort("anew", folds=3)
    anew = {row.record_id: row.split for row in workspace.cohort_members("anew")}
    assert len({anew[one] for one in first.values()}) == 1
    assert workspace.cohort("anew").patients == workspace.cohort("main").patients == ALL
    assert workspace.audit(1)[0].detail["patients_joined"] == 2


def test_the_command_line_shows_what_is_known(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    searched(workspace, copies("fold-1", 1), against=["Ward 9"])
    assert cli.main(["cohort", "show", "main", "-w", str(workspace.path)]) == 0
    out = capsys.readouterr().out
    assert "LEAK   1 recording of fold-0 has a changed copy in fold-1" in out
    assert "Leaks  Ward 9: none found" in out
    assert cli.main(["cohort", "list", "-w", str(workspace.path)]) == 0
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == ["Leaks", "leaks", "searched"]
    assert cli.main(["cohort", "create", "new", "--no-search", "-w", str(workspace.path)]) == 0
    assert "not searched for copies. Next: isoline leakage new" in capsys.readouterr().out


def test_a_model_that_was_pretrained_here_is_held_against_what_is_scored(workspace: Workspace) -> None:
    declare(workspace, "ours", "local")
    members = workspace.cohort_members("held out")
    train = [row.record_id for row in members if row.split == "train"]
    with workspace._home.db.write() as session:
        models.get(session, "ours").job_id = "J0001"
        session.add_all(JobMember(job_id="J0001", record_id=one, patient="p", split="train") for one in train)
    (told,) = workspace.exposures("held out", ["ours"])
    assert told.findings == ()
    assert told.clear[0].endswith("and no other of their patients, was in its pretraining")
    assert told.unsearched[0].endswith("isoline leakage 'held out' --against ours")
    found, _ = known(workspace, "ours")
    assert found == [f"'ours' was pretrained on {len(train)} of the 12 scored recordings (signals only, no labels)"]
    searched(workspace, copies("against ours", 3), cohort="held out", against=["ours"])
    found, unsearched = known(workspace, "ours", "held out")
    assert found == ["3 recordings of the cohort have changed copies in what 'ours' was pretrained on"]
    assert unsearched == []


def test_a_model_finetuned_here_is_held_against_what_is_scored_by_the_labels_that_it_saw(workspace: Workspace) -> None:
    job_id = workspace.evaluate("random", "held out", ["MI"], EvaluationSettings(mode="finetune"))
    taught = [row for row in workspace.cohort_members("held out") if row.split == "train"]
    digest = split_digest([row.record_id for row in taught], [row.split for row in taught])
    kept = Lineage(run_id=job_id, corpus="local", corpus_sha256=digest)
    elsewhere = kept.model_copy(update={"corpus": "unknown", "corpus_sha256": "0" * 64})
    with workspace._home.db.write() as session:
        for name, line in (("kept", kept), ("of another workspace", elsewhere)):
            card = ModelCard(name=name, source="native", lineage=line)
            models.register(session, name, name.ljust(64, "0"), card, {"source": "native", "name": name})
    found, _ = known(workspace, "kept")
    assert found == [f"'kept' was finetuned on the labels of {len(taught)} of the 12 scored recordings"]
    (told,) = workspace.exposures("held out", ["kept"])
    assert told.findings == ()
    assert told.clear[0].startswith("the labels of none of the ")
    found, unsearched = known(workspace, "of another workspace")
    assert found == []
    assert any("is not known" in sentence for sentence in unsearched)


def test_what_a_model_was_pretrained_on_is_searched_for_copies_before_it_is_scored(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = workspace.cohort_members("held out")
    with workspace._home.db.write() as session:
        models.get(session, "random").job_id = "J0001"
        rows = [row.record_id for row in members if row.split == "train"]
        session.add_all(JobMember(job_id="J0001", record_id=one, patient="p", split="train") for one in rows)

    def kinds() -> list[str]:
        before = {row.job_id for row in workspace.jobs()}
        workspace.evaluate("random", "held out", labels=["NORM"], settings=QUICK, search=True)
        return [row.kind for row in reversed(workspace.jobs()) if row.job_id not in before]

    monkeypatch.setattr(leakage, "MOST_UNASKED", len(rows) - 1)
    assert kinds() == ["evaluate"]  # too many to be looked at unasked
    monkeypatch.setattr(leakage, "MOST_UNASKED", len(rows))
    assert kinds() == ["leakage", "evaluate"]
    assert kinds() == ["evaluate"]  # the search waits already
    (search,) = [row for row in workspace.jobs() if row.kind == "leakage"]
    assert search.name == "held out against random"
    with workspace._home.db.write() as session:
        for one in session.query(Job).filter(Job.kind == "leakage"):
            session.delete(one)
    searched(workspace, cohort="held out", against=["random"])
    assert kinds() == ["evaluate"]  # it is done


def test_a_declared_corpus_is_held_against_collections_folds_and_packs(workspace: Workspace) -> None:
    declare(workspace, "resnet", "PTB-XL folds 1-8")
    assert known(workspace, "resnet")[1][1].startswith("Copies of PTB-XL folds 1-8, which 'resnet' is declared to be")
    with workspace._home.db.write() as session:
        for n, record in enumerate(session.query(Record).order_by(Record.record_id)):
            record.dataset, record.fold = "ptbxl-500", n % 10 + 1
    (found,) = known(workspace, "resnet")[0]
    said = "'resnet' is declared to be trained on PTB-XL folds 1-8: "
    assert found == f"{said}12 of the 12 scored recordings are of it, 10 of them of these folds"
    with workspace._home.db.write() as session:
        session.query(Record).update({"fold": 9})
    assert known(workspace, "resnet")[0] == []
    searched(workspace, copies("against PTB-XL 1.0.3"), against=["PTB-XL 1.0.3"])
    told = known(workspace, "resnet")
    assert "PTB-XL 1.0.3, which it is declared to be trained on: 2 recordings of the cohort have" in told[0][0]
    assert told[1] == []


def test_what_a_vendor_declares_is_kept_with_its_scores(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = tmp_path / "scores.csv"
    scores.write_text("record,label,score\n" + f"{workspace.records()[0].record_id},NORM,0.5\n")
    told = ["-w", str(workspace.path)]
    assert cli.main(["model", "add", str(scores), "--name", "v", "--trained-on", "local ward of Kiel", *told]) == 0
    assert workspace.model("v").card["lineage"]["corpus"] == "local ward of Kiel"
    assert workspace.exposures("main", ["v"])[0].training == "declared: local ward of Kiel"
    assert cli.main(["model", "add", "--baseline", "--trained-on", "PTB-XL", *told]) == 2
    capsys.readouterr()


def test_a_model_of_which_nothing_is_known_is_told_as_such(workspace: Workspace) -> None:
    declare(workspace, "vendor", "unknown", "predictions")
    found, unsearched = known(workspace, "vendor")
    assert found == []
    assert unsearched[1].startswith("What 'vendor' was trained on is not known")


@pytest.mark.parametrize(
    ("collection", "declared", "same"),
    [
        ("ptbxl-500", "PTB-XL", True),
        ("PTB-XL sample", "LUDB and PTB-XL folds 1-8", True),
        ("ludb", "LUDB and PTB-XL", True),
        ("heedb", "HEEDB, Emory", False),
        ("heedb", "HEEDB, HEEDB-Emory, CODE-15%", True),
        ("CODE-15 %", "code15", True),
        ("ward 7", "ward 7 of 2024", True),
        ("local", "local", False),
        ("ptbxl", "PTB diagnostic", False),
        ("sph", "atmosphere", False),
    ],
)
def test_corpora_are_known_again_by_their_names(collection: str, declared: str, same: bool) -> None:
    assert is_of(collection, corpora_in(declared)) is same


def test_a_run_that_scores_tells_and_keeps_what_was_known(workspace: Workspace) -> None:
    from engine.contract.events import EventWriter, Warned, read_events
    from engine.evaluation.runs import _leaks

    job_id = workspace.evaluate("random", "main", labels=["NORM"], settings=QUICK)
    folder = workspace._home.run(job_id)
    with workspace._home.db.write() as session:
        exposure.write_known(session, session.query(Job).filter(Job.job_id == job_id).one(), folder)
    events = EventWriter(folder.events_path)
    told = _leaks(folder, events)
    events.close()
    assert told == KnownLeaks.model_validate(json.loads(folder.leaks_path.read_text()))
    warned = [event.message for event in read_events(folder.events_path)[0] if isinstance(event, Warned)]
    assert warned == ["Cohort 'main': not searched for copies. See: isoline leakage main"]


def test_scores_are_printed_with_what_is_known_of_leaks() -> None:
    from report_factory import evaluation

    from app.commands.evaluation_words import evaluation_words

    leaks = KnownLeaks(verdict="leaks", findings=["2 recordings of test have copies"], unsearched=["Nobody looked"])
    scored = evaluation("vendor", "scores as supplied", 0.7, 1, {"NORM": 62}, []).model_copy(update={"leaks": leaks})
    told = evaluation_words(scored)
    assert "LEAK  2 recordings of test have copies" in told
    assert "Nobody looked" in told
