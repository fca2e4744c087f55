"""Predictions of every kind: what each cell becomes is held against a naive reading, and every row is accounted for."""

import csv
import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from core_cases import QUICK, make_workspace
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.categories import CategoryMap, category_map
from app.core.prediction_reading import Predictions, Reading, read_predictions
from app.core.prediction_table import open_predictions
from app.workspace import Workspace
from engine.contract.config import EvaluationSettings
from engine.contract.errors import UsageError, WorldError
from engine.contract.model_source import PredictionsModel
from engine.contract.results import EvaluateResults, parse_results
from engine.evaluation.opened import supplied_scores

NAMES = {f"rec{n}": f"R{n}" for n in range(6)} | {"twin": ""}
WORDS = CategoryMap({"af": ("AF",), "flutter": ("AF", "flutter"), "sinus": ()}, "Dr. Roe", {"af": "AF"})


def table(folder: Path, header: Sequence[str], rows: Sequence[Sequence[object]], name: str = "p.csv") -> Path:
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return folder / name


def parquet(folder: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = list(zip(*rows, strict=True))
    pq.write_table(pa.table({name: list(column) for name, column in zip(header, columns, strict=True)}), folder / "p")
    return folder / "p"


def read(path: Path, asked: Reading | None = None) -> Predictions:
    return read_predictions(open_predictions(path), NAMES, asked or Reading())


def kept(told: Predictions) -> dict[tuple[str, str], float]:
    """By recording and label, whatever the layout; NaN where there is no output."""
    arrays = told.arrays
    if "labels" not in arrays:
        keys = zip(arrays["record_id"].tolist(), arrays["label"].tolist(), strict=True)
        return dict(zip(keys, arrays["score"].tolist(), strict=True))
    return {
        (record, label): float(value)
        for record, row in zip(arrays["record_id"].tolist(), arrays["scores"].tolist(), strict=True)
        for label, value in zip(arrays["labels"].tolist(), row, strict=True)
    }


def same(left: dict[Any, float], right: dict[Any, float]) -> bool:
    return left.keys() == right.keys() and all(
        left[key] == right[key] or (math.isnan(left[key]) and math.isnan(right[key])) for key in left
    )


RECORDS = st.sampled_from([*NAMES, "nobody", "rec1.hea"])
CELLS = st.sampled_from(["0.25", "1", "0", "-3", "1e400", "inf", "nan", "NA", "", "no output", "high", "0,5", " 0.5 "])


def naive_record(cell: str) -> str | None:
    return NAMES.get(cell.removesuffix(".hea"))


def naive_number(cell: str) -> float:
    """NaN for no output, infinity for a fault."""
    said = cell.strip().lower()
    if said in ("", "nan", "na", "no output"):
        return math.nan
    try:
        return float(said)
    except ValueError:
        return math.inf


@settings(max_examples=120, deadline=None)
@given(rows=st.lists(st.tuples(RECORDS, st.sampled_from(["AF", "MI", ""]), CELLS), max_size=14))
def test_one_row_an_answer_is_read_as_a_naive_reader_would(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    told = read(table(tmp_path_factory.mktemp("long"), ("record", "label", "score"), rows))
    expected: dict[tuple[str, str], float] = {}
    left = 0
    for record, label, cell in rows:
        found, value = naive_record(record), naive_number(cell)
        if not found or not label or (found, label) in expected or math.isinf(value):
            left += 1
        else:
            expected[(found, label)] = value
    assert same(kept(told), expected)
    assert sum(count for _, _, count in told.left_out) == left
    assert told.answers + told.silent + left == len(rows)
    assert told.silent == sum(math.isnan(value) for value in expected.values())


@settings(max_examples=120, deadline=None)
@given(rows=st.lists(st.tuples(RECORDS, CELLS, CELLS), min_size=1, max_size=10))
def test_one_column_a_label_is_read_as_a_naive_reader_would(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    told = read(table(tmp_path_factory.mktemp("wide"), ("record_id", "AF", "MI"), rows))
    expected: dict[tuple[str, str], float] = {}
    seen: set[str] = set()
    rows_left = answers_left = 0
    for record, *cells in rows:
        found = naive_record(record)
        if not found or found in seen:
            rows_left += 1
            continue
        seen.add(found)
        for label, cell in zip(("AF", "MI"), cells, strict=True):
            value = naive_number(cell)
            answers_left += math.isinf(value)
            expected[(found, label)] = math.nan if math.isinf(value) else value
    assert same(kept(told), expected)
    assert sum(count for noun, _, count in told.left_out if noun == "row") == rows_left
    assert sum(count for noun, _, count in told.left_out if noun == "answer") == answers_left
    assert told.answers + told.silent + answers_left == 2 * len(seen)


@settings(max_examples=60, deadline=None)
@given(words=st.lists(st.tuples(st.sampled_from([*NAMES][:6]), st.sampled_from(["AF", "Flutter", "sinus", "", "NA"]))))
def test_words_become_flags_by_the_signed_table(
    tmp_path_factory: pytest.TempPathFactory, words: list[tuple[str, str]]
) -> None:
    told = read(table(tmp_path_factory.mktemp("words"), ("record", "category"), words), Reading(None, {}, WORDS))
    said: dict[str, set[str]] = {}
    for record, word in words:
        said.setdefault(NAMES[record], set()).update({word.lower()} - {"", "na"})
    meant = {"AF": {"af", "flutter"}, "flutter": {"flutter"}}
    expected = {
        (record, label): float(bool(found & meant[label])) if found else math.nan
        for record, found in said.items()
        for label in meant
    }
    assert same(kept(told), expected)
    assert set(told.kinds.values()) <= {"category"}


def test_a_column_that_gave_no_output_leaves_its_own_labels_open(tmp_path: Path) -> None:
    known = category_map(["AF=AF", "LBBB=LBBB", "sinus=", "narrow="], "Dr. Roe")
    rows = [("rec0", "AF", "narrow"), ("rec1", "", "LBBB"), ("rec2", "sinus", ""), ("rec3", "", "")]
    told = read(table(tmp_path, ("record", "rhythm", "conduction"), rows), Reading("category", {}, known))
    found = kept(told)
    assert [found[(f"R{n}", "AF")] for n in (0, 2)] == [1.0, 0.0]
    assert math.isnan(found[("R1", "AF")])
    assert found[("R1", "LBBB")] == 1.0
    assert math.isnan(found[("R2", "LBBB")])
    assert math.isnan(found[("R3", "LBBB")])


def test_words_that_mean_nothing_are_refused_and_free_text_is_not_repeated(tmp_path: Path) -> None:
    rows = [("rec0", "AF"), ("rec1", "VT"), ("rec2", "VT"), ("rec3", "seen by Dr. Miller for John Doe")]
    with pytest.raises(UsageError, match=r"2 words in it mapped to nothing: 'VT' \.\.\.") as caught:
        read(table(tmp_path, ("record", "category"), rows), Reading(None, {}, WORDS))
    assert "John" not in str(caught.value)
    with pytest.raises(UsageError, match="--mapped-by"):
        category_map(["AF=AF"], " ")
    with pytest.raises(UsageError, match="is no pair"):
        category_map(["AF"], "Dr. Roe")
    told = category_map(
        ["AF=AF"], "Dr. Roe", table(tmp_path, ("category", "label"), [("VT", "VT"), ("SR", "")], "m.csv")
    )
    assert (told.labels, told.lines) == (("AF", "VT"), ["AF = AF", "VT = VT", "SR = no label"])


@pytest.mark.parametrize(("column", "kind"), [("probability", "probability"), ("flag", "flag"), ("score", "score")])
def test_the_name_of_a_column_says_what_its_answers_are(tmp_path: Path, column: str, kind: str) -> None:
    rows = [("rec0", "AF", "1"), ("rec1", "AF", "0"), ("rec2", "AF", "0.5")]
    told = read(table(tmp_path, ("record", "label", column), rows))
    assert told.kinds == {"AF": kind}
    if kind == "flag":
        assert told.left_out == (("row", "the flag is neither 1 nor 0", 1),)
    if kind != "score":
        with pytest.raises(UsageError, match=f"its column says {kind}"):
            read(table(tmp_path, ("record", "label", column), rows), Reading("category"))


def test_each_label_may_be_something_else(tmp_path: Path) -> None:
    rows = [("rec0", "0.5", "yes", "2.5", "AF"), ("rec1", "0.1", "negative", "-1", "sinus")]
    asked = Reading(None, {"p": "probability", "f": "flag", "c": "category"}, WORDS)
    told = read(table(tmp_path, ("record", "p", "f", "s", "c"), rows), asked)
    assert told.kinds == {"p": "probability", "f": "flag", "s": "score", "AF": "category", "flutter": "category"}
    assert kept(told)[("R0", "f")] == 1.0
    with pytest.raises(UsageError, match="has no column 'q'"):
        read(tmp_path / "p.csv", Reading(None, {"q": "flag"}))


def test_probabilities_outside_0_to_1_are_counted_of_their_labels_alone(tmp_path: Path) -> None:
    rows = [("rec0", "1.5", "1.5"), ("rec1", "-0.1", "0.5")]
    told = read(table(tmp_path, ("record", "p", "s"), rows), Reading(None, {"p": "probability"}))
    assert told.beyond == 2


def test_other_columns_of_a_table_are_no_labels(tmp_path: Path) -> None:
    told = read(table(tmp_path, ("record", "patient_id", "age", "AF"), [("rec0", "P1", "70", "0.5")]))
    assert (told.kinds, told.unread) == ({"AF": "score"}, 2)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (("name", "label", "score"), "the column 'record' is missing"),
        (("record", "label"), "the column 'score' is missing"),
        (("record", "label", "score", "flag"), "several columns of answers"),
        (("record", "patient_id"), "no column with answers"),
    ],
)
def test_a_table_that_could_be_read_in_two_ways_or_none_is_refused(
    tmp_path: Path, header: tuple[str, ...], said: str
) -> None:
    with pytest.raises(WorldError, match=said):
        open_predictions(table(tmp_path, header, [["rec0"] * len(header)]))


def test_a_parquet_table_reads_as_its_twin_in_text(tmp_path: Path) -> None:
    header, rows = ("record", "AF", "MI"), [("rec0", 0.25, 1.0), ("rec1", None, 0.0), ("nobody", 0.5, 0.5)]
    text = [[("" if cell is None else cell) for cell in row] for row in rows]
    from_parquet, from_text = read(parquet(tmp_path, header, rows)), read(table(tmp_path, header, text))
    assert same(kept(from_parquet), kept(from_text))
    assert (from_parquet.kinds, from_parquet.left_out, from_parquet.silent) == (
        from_text.kinds,
        from_text.left_out,
        from_text.silent,
    )
    long = [("rec0", "AF", True), ("rec1", "AF", False), ("rec2", "AF", None)]
    told = read(parquet(tmp_path, ("record", "label", "flag"), long))
    assert same(kept(told), {("R0", "AF"): 1.0, ("R1", "AF"): 0.0, ("R2", "AF"): math.nan})
    (tmp_path / "p").write_bytes(b"PAR1 and no more")
    with pytest.raises(WorldError, match="cannot be read as Parquet"):
        open_predictions(tmp_path / "p")


def test_parquet_without_its_library_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(WorldError, match=r"pip install 'isoline\[parquet\]', or save it as CSV"):
        open_predictions(tmp_path / "p")


@settings(max_examples=40, deadline=None)
@given(
    value_NL=st.lists(
        st.lists(st.sampled_from([0.5, float("nan"), 2.0]), min_size=3, max_size=3), min_size=4, max_size=4
    )
)
def test_the_engine_reads_both_layouts_alike(
    tmp_path_factory: pytest.TempPathFactory, value_NL: list[list[float]]
) -> None:
    folder = tmp_path_factory.mktemp("layouts")
    records, labels = ["b", "a", "elsewhere", "c"], ["AF", "other", "MI"]
    np.savez(folder / "wide.npz", record_id=records, labels=labels, scores=np.array(value_NL))
    long = [(r, la, value_NL[i][j]) for i, r in enumerate(records) for j, la in enumerate(labels)]
    long = [row for row in long if math.isfinite(row[2])]
    keys = {"record_id": [row[0] for row in long], "label": [row[1] for row in long]}
    np.savez(folder / "long.npz", score=np.array([row[2] for row in long]), **keys)
    wide, flat = (
        supplied_scores(folder / name, ["a", "b", "d", "c"], ["MI", "AF"]) for name in ("wide.npz", "long.npz")
    )
    np.testing.assert_array_equal(wide.score_NL, flat.score_NL)
    assert wide.foreign == flat.foreign


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace.open(make_workspace(tmp_path_factory.mktemp("predictions") / "ward", count=12)) as opened:
        opened.create_cohort("main", folds=2)
        yield opened


def evaluated(workspace: Workspace, name: str) -> EvaluateResults:
    job = workspace.evaluate(name, "main", labels=["NORM"], settings=QUICK)
    workspace.wait(job, timeout_s=60)
    results = parse_results((workspace.path / "runs" / job / "results.json").read_text(encoding="utf-8"))
    assert isinstance(results, EvaluateResults)
    return results


@pytest.mark.slow
def test_signed_words_go_all_the_way_to_rates_and_to_answers_that_were_not_given(
    workspace: Workspace, tmp_path: Path
) -> None:
    names = [row.source_name for row in workspace.records()]
    rows = [(name, ("Normal", "other", "")[n % 3]) for n, name in enumerate(names)]
    known = category_map(["Normal=NORM", "other="], "Dr. Roe")
    row = workspace.add_predictions(
        table(tmp_path, ("record", "category"), rows), "words", reading=Reading(None, {}, known)
    )
    assert row.card["output"] == "category, mapped to labels"
    assert any("by Dr. Roe: Normal = NORM; other = no label" in note for note in row.card["notes"])
    assert workspace.audit()[0].detail["mapping"] == ["Normal = NORM", "other = no label"]
    label = evaluated(workspace, "words").labels[0]
    assert (label.judged_as, label.auroc.value, label.curve) == ("category", None, None)
    point = label.operating
    assert point is not None
    assert point.positives_without_output + point.negatives_without_output == len(names) // 3


def test_the_same_numbers_are_not_called_something_else_later(workspace: Workspace, tmp_path: Path) -> None:
    names = [row.source_name for row in workspace.records()]
    file = table(tmp_path, ("record", "NORM"), [(name, n / 20) for n, name in enumerate(names)])
    workspace.add_predictions(file, "wide")
    assert workspace.add_predictions(file, "wide") == workspace.model("wide")
    with pytest.raises(UsageError, match="its answers were called something else"):
        workspace.add_predictions(file, "wide", probabilities=True)
    likely = workspace.add_predictions(file, "wide as probabilities", probabilities=True)
    assert (likely.sha256, likely.card["output"]) == (workspace.model("wide").sha256, "probability")


def test_answers_from_a_file_take_no_mode(workspace: Workspace, tmp_path: Path) -> None:
    names = [row.source_name for row in workspace.records()]
    workspace.add_predictions(table(tmp_path, ("record", "NORM"), [(name, 0.5) for name in names]), "modeless")
    workspace.create_cohort("asked", labels=["NORM"], folds=2)
    with pytest.raises(UsageError, match="no mode is asked for"):
        workspace.evaluate("modeless", "asked", ["NORM"], EvaluationSettings(mode="own"))


@pytest.mark.slow
def test_calibration_is_told_of_probabilities_alone(workspace: Workspace, tmp_path: Path) -> None:
    names = [row.source_name for row in workspace.records()]
    file = table(tmp_path, ("record", "NORM"), [(name, n / 20) for n, name in enumerate(names)])
    workspace.add_predictions(file, "scores alone")
    workspace.add_predictions(file, "probabilities", probabilities=True)
    assert evaluated(workspace, "scores alone").labels[0].calibration is None
    assert evaluated(workspace, "probabilities").labels[0].calibration is not None


def test_a_file_of_thousands_of_labels_is_read_and_covers_what_is_asked_for(
    workspace: Workspace, tmp_path: Path
) -> None:
    names = [row.source_name for row in workspace.records()]
    labels = ["NORM", *(f"finding {n}" for n in range(3000))]
    value_NL = np.random.default_rng(0).random((len(names), len(labels))).round(4)
    rows = [(name, *row) for name, row in zip(names, value_NL.tolist(), strict=True)]
    row = workspace.add_predictions(table(tmp_path, ("record", *labels), rows), "many")
    job = workspace.evaluate("many", "main")
    config = json.loads((workspace.path / "runs" / job / "config.json").read_text(encoding="utf-8"))
    assert config["labels"] == ["NORM"]
    with np.load(workspace.path / "models" / row.sha256 / "predictions.npz") as file:
        assert file["scores"].shape == value_NL.shape
    with pytest.raises(UsageError, match="hold no score for it"):
        workspace.evaluate("many", "main", labels=["MI"])


def test_a_source_of_predictions_says_of_each_label_what_its_answers_are() -> None:
    source = PredictionsModel(name="x", file="y", output="score", outputs={"AF": "flag"})
    assert (source.kind_of("AF"), source.kind_of("MI")) == ("flag", "score")
