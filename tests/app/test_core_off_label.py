"""Whom a vendor means its model for, asked of real recordings; and what its card says that it has seen."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from core_cases import hurt, make_workspace, quick_copy
from external_cases import graph, vendor_card

from app.core import exposure
from app.workspace import Workspace
from engine.contract.card import Lineage
from engine.contract.results import KnownLeaks


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = make_workspace(tmp_path_factory.mktemp("template") / "workspace", count=12)
    with Workspace.open(path) as workspace:
        workspace.create_cohort("main", folds=3)
    return path


@pytest.fixture
def workspace(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    with quick_copy(template, tmp_path, monkeypatch) as opened:
        yield opened


def known(workspace: Workspace, name: str) -> KnownLeaks:
    with workspace._home.db.read() as session:
        return exposure.known(session, "main", [name])


def test_recordings_outside_of_the_maker_s_rules_are_counted_rule_by_rule(workspace: Workspace, tmp_path: Path) -> None:
    ages = [row.age for row in workspace.records()]
    assert None not in ages
    hurt(workspace, "UPDATE records SET paced = 0")
    hurt(workspace, "UPDATE records SET paced = 1 WHERE number = 1")
    hurt(workspace, "UPDATE records SET paced = NULL WHERE number = 2")
    card = vendor_card(eligibility=("age 50..", "paced no"), population="adults with chest pain")
    workspace.add_external(graph(tmp_path / "vendor"), card)
    told = workspace.off_label("vendor", "main")
    young = sum(age < 50 for age in ages if age is not None)
    assert 0 < young < 12
    assert [(rule.rule, rule.outside, rule.untold) for rule in told.rules] == [
        ("age 50..", young, 0),
        ("paced no", 1, 1),
    ]
    assert told.rules[1].reasons == {"paced": 1, "pacing unknown": 1}
    with workspace._home.db.read() as session:
        rows = session.connection().exec_driver_sql("SELECT age < 50, paced FROM records").all()
    assert told.outside == sum(bool(youth) or paced == 1 for youth, paced in rows)
    assert told.untold == sum(not youth and paced is None for youth, paced in rows)
    assert (told.records, told.population) == (12, "adults with chest pain")


def test_an_evaluation_of_recordings_that_a_model_is_not_meant_for_says_so(
    workspace: Workspace, tmp_path: Path
) -> None:
    workspace.add_external(graph(tmp_path / "vendor"), vendor_card(eligibility=("age 200..",)))
    workspace.add_external(graph(tmp_path / "other", node="z"), vendor_card(name="other", eligibility=("age 0..",)))
    (said,) = known(workspace, "vendor").off_label
    assert said == (
        "'vendor' is not, or not certainly, meant for 12 of the 12 scored recordings: 12 outside ('age 200..')"
    )
    assert known(workspace, "other").off_label == []
    workspace.add_baseline()
    assert known(workspace, "age + sex").off_label == []


def test_a_card_without_rules_counts_nothing_and_says_what_it_says_in_words(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from app import cli

    workspace.add_external(graph(tmp_path / "vendor"), vendor_card(population="adults"))
    assert workspace.off_label("vendor", "main").rules == ()
    assert cli.main(["model", "eligible", "vendor", "main", "-w", str(workspace.path)]) == 0
    assert "in words alone (adults): nothing can be counted" in re.sub(r"\s+", " ", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("corpus", "dataset", "said"),
    [
        ("PTB-XL folds 1-8", "ptbxl-500", "12 of the 12 scored recordings are of it, 8 of them of these folds"),
        ("LUDB, QTDB, PTB-XL", "ludb", "12 of the 12 scored recordings are of it"),
        ("LUDB, QTDB, PTB-XL", "qtdb", "12 of the 12 scored recordings are of it"),
        ("LUDB, QTDB, PTB-XL", "ptbxl-500", "12 of the 12 scored recordings are of it"),
        ("LUDB, QTDB, PTB-XL", "ptb", ""),
        ("CODE-15", "ptbxl-500", ""),
    ],
)
def test_what_a_vendor_s_card_says_it_was_trained_on_is_held_against_the_cohort(
    workspace: Workspace, tmp_path: Path, corpus: str, dataset: str, said: str
) -> None:
    hurt(workspace, "UPDATE records SET dataset = ?, fold = MIN(number, 10)", dataset)
    workspace.add_external(graph(tmp_path / "vendor"), vendor_card(lineage=Lineage(corpus=corpus)))
    found = known(workspace, "vendor").findings
    if said:
        assert [said in one for one in found] == [True]
        assert "is declared to be trained on" in found[0]
    else:
        assert found == []


def test_a_maker_who_declined_to_tell_the_corpus_is_named_as_such(workspace: Workspace, tmp_path: Path) -> None:
    declined = vendor_card(lineage=Lineage(), declined=("lineage.corpus",))
    workspace.add_external(graph(tmp_path / "vendor"), declined)
    assert any("declined to tell what it was trained on" in told for told in known(workspace, "vendor").unsearched)
    workspace.add_external(graph(tmp_path / "b", node="z"), vendor_card(name="silent", lineage=Lineage()))
    assert any("What 'silent' was trained on is not known" in told for told in known(workspace, "silent").unsearched)
