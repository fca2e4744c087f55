"""The leaks of a cohort in the window: the verdict in words, pairs with both traces, models, labels, dialogs."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.core.rows import CohortRow, Exposure, JobRow, LeakSearch, LeakState, ProgressRow, SignalView
from app.ui import ecg_pair
from app.ui.choosers import add_cohorts, combo
from app.ui.leakage_view import LeakageView
from app.ui.leakage_words import Standing, pair_sentence, verdict
from app.ui.theme import load_theme
from engine.contract.errors import UsageError, WorldError
from engine.contract.results import Copies, LeakageResults
from engine.data.circularity import Circularity
from engine.signal.leads import CANONICAL

WHEN = "2026-11-22T10:00:00Z"
CLEAN = LeakState("main", "none found", "none", "J0003", (LeakSearch("", "J0003", WHEN, 353),))
FOUND = LeakState(
    "main", "leaks", "some", "J0004",
    (LeakSearch("", "J0004", WHEN, 353, 2, 1, ("1 recording of fold-0 has a changed copy in fold-1",)),
     LeakSearch("PTB-XL", "J0004", WHEN, 21799)),
)  # fmt: skip


def pair(n: int = 0, part: str = "fold-0", other: str = "fold-1", **told: Any) -> Copies:
    usual = {"score": 0.953, "overlap_s": 4.0, "shift_s": 2.0, "exact": False, "same_patient": False}
    return Copies(record=f"r{n:012x}", other=f"r{n + 1:012x}", part=part, other_part=other, **usual | told)


class Ward:
    """What the view asks of a workspace."""

    def __init__(self, state: LeakState, pairs: list[Copies]) -> None:
        self.state, self.asked, self.rows = state, list[Any](), list[JobRow]()
        self.found = LeakageResults.model_construct(pairs=pairs)
        self.refuses = False

    def leak_state(self, cohort: str) -> LeakState:
        return self.state if cohort == "main" else LeakState(cohort, "not searched", "not searched for copies")

    def jobs(self) -> list[JobRow]:
        return self.rows

    def results(self, job_id: str) -> LeakageResults:
        self.asked.append(job_id)
        return self.found

    def signal(self, record_id: str) -> SignalView:
        short = record_id == "r000000000001"
        rate, first = (100.0, 2.0) if short else (500.0, 0.0)
        times = np.arange(0, 4 if short else 10, 1 / rate) + first
        lead = np.sin(3 * times) ** 9 * (0.5 if short else 1) + (7 if short else 0)
        signal = np.tile(lead, (12, 1)).astype(np.float32)
        return SignalView(record_id, signal, rate, CANONICAL, ())

    def record(self, record_id: str) -> None:
        raise UsageError("recording", "none", "None")

    def models(self) -> list[Any]:
        told = (("vendor", "predictions"), ("random", "random"))
        return [SimpleNamespace(name=name, source=source, card={}, job_id="") for name, source in told]

    def exposures(self, cohort: str, models: list[str]) -> list[Exposure]:
        return [Exposure(name, "not known", (), (f"What '{name}' was trained on is not known",)) for name in models]

    def label_circularity(self, cohort: str) -> list[Circularity]:
        return [
            Circularity("AFIB", "circular", 'AFIB repeats the cart\'s statement "AFIB"', 300, 40, 0, 300, "AFIB", 0.93)
        ]

    def cohorts(self) -> list[Any]:
        return [SimpleNamespace(name=name, records=9) for name in ("main", "older")]

    def leakage(self, cohort: str, against: list[str]) -> str:
        if self.refuses:
            raise WorldError("fingerprint pack", "the file is none", "Name a file made by Isoline (*.isofp)")
        self.asked.append((cohort, against))
        return "J0009"

    def export_fingerprints(self, cohort: str, out: Any, *texts: str) -> tuple[Any, None]:
        self.asked.append((cohort, out.name, texts))
        return out, None


@pytest.fixture
def shown(qtbot, background):
    def show(state: LeakState, pairs: list[Copies] | None = None) -> tuple[LeakageView, Ward]:
        ward = Ward(state, pairs or [])
        view = LeakageView(ward, background)  # type: ignore[arg-type]
        qtbot.addWidget(view)
        view.resize(900, 700)
        view.show_cohort("main")
        qtbot.waitUntil(lambda: bool(view.headline.text()) and not background._pending)
        return view, ward

    return show


def job(state: str = "running") -> JobRow:
    return JobRow(
        "J0005", "leakage", "main", state, WHEN, WHEN, "", ProgressRow(50, 706, "recordings"), "", "", "", "main"
    )  # type: ignore[arg-type]


def test_what_nobody_has_looked_for_is_said_and_the_next_step_stands_out(shown):
    view, _ = shown(LeakState("main", "not searched", "not searched for copies"))
    assert view.headline.text() == "Not searched for copies"
    assert view.search_button.property("role") == "primary"
    assert [view._notes[place].text() for place in (0, 3)] == ["Nobody has looked for copies yet"] * 2


@pytest.mark.parametrize(
    ("state", "under_way", "headline", "meaning"),
    [
        (CLEAN, None, "No leak between the parts", "353 recordings compared on 22 Nov 2026 (J0003)."),
        (FOUND, None, "Copies stand in two parts", "1 recording of fold-0 has a changed copy in fold-1. Scores"),
        (FOUND, None, "Copies stand in two parts", "2 recordings could not be compared."),
        (CLEAN, job("queued"), "No leak between the parts", "A search waits for its turn."),
        (LeakState("main", "searching", ""), job(), "Looking for copies", "under way: 50 of 706 recordings (7 %)."),
    ],
)
def test_the_verdict_is_for_people(state, under_way, headline, meaning):
    told = verdict(Standing(state, under_way))
    assert told.headline == headline
    assert meaning in told.meaning


def test_a_pair_shows_both_traces_set_to_the_same_moment(shown, qtbot):
    view, _ = shown(FOUND, [pair(), pair(7, other="fold-0", same_patient=True)])
    assert view.tabs.tabText(0) == "Copies (2)"
    assert [view.pairs.rows.index(0, place).data() for place in (1, 3, 4, 6)] == [
        "fold-0",
        "fold-1",
        "0.953",
        "different",
    ]
    qtbot.waitUntil(lambda: view.pair.view.pair is not None)
    told = view.pair.view.pair
    assert (told.under.rate_hz, told.over.rate_hz, told.later_s, told.turned) == (500.0, 100.0, 2.0, False)
    at = told.over.signal_CT[0]
    assert np.abs(at - told.under.signal_CT[0][1000:3000:5]).max() < 1e-3
    assert "two patient numbers, one of which must be wrong" in view.pair.sentence.text()
    assert view.pair.legend.text().index("fold-0") < view.pair.legend.text().index("fold-1")
    assert view.pair.view.caption.endswith("fitted lead by lead")
    before = view.pair.view.grab().toImage()
    view.pair.view.pair = None
    assert view.pair.view.grab().toImage() != before


def test_where_it_is_narrow_what_the_line_below_tells_is_left_out(shown):
    view, _ = shown(FOUND, [pair()])
    view.show()
    hidden = []
    for width in (900, 460):
        view.resize(width, 500)
        hidden.append([place for place in range(7) if view.pairs.isColumnHidden(place)])
    assert hidden == [[], [5, 6]]


def test_where_the_copy_is_longer_it_lies_below(shown):
    _, ward = shown(CLEAN)
    told = ecg_pair.pair_of(ward.signal("r000000000001"), ward.signal("r000000000000"), -2.0)
    assert (told.under.rate_hz, told.later_s, told.turned) == (500.0, 2.0, True)


def test_of_a_corpus_that_is_not_here_no_trace_is_shown(shown, qtbot):
    view, _ = shown(FOUND, [pair(other="against PTB-XL", same_patient=None)])
    qtbot.waitUntil(lambda: "a fingerprint pack holds no ECG" in view.pair.view.placeholder)
    assert view.pair.view.pair is None
    assert pair_sentence(view.pairs.current()) == "Agreement 0.953 over 4.0 s."
    assert view.pairs.rows.index(0, 3).data() == "PTB-XL"


def test_of_ten_thousand_pairs_only_those_in_sight_are_asked_for(shown, monkeypatch):
    from app.ui.leakage_words import FoundPair

    many = [pair(n) for n in range(10_000)]
    view, _ = shown(FOUND)
    view.show()
    rows, model = set(), type(view.pairs.rows)
    honest = model.data

    def data(self, index, *role):
        rows.add(index.row())
        return honest(self, index, *role)

    monkeypatch.setattr(model, "data", data)
    view._show_pairs([FoundPair(one, True, "") for one in many])
    view.pairs.scrollToBottom()
    view.grab()
    assert 9_999 in rows
    assert len(rows) < 200
    assert view.tabs.tabText(0) == "Copies (10,000)"


def test_lists_are_read_again_only_when_a_search_has_ended(shown, qtbot, background):
    view, ward = shown(FOUND, [pair()])
    for _ in range(3):
        view.refresh()
        qtbot.waitUntil(lambda: not background._pending)
    assert ward.asked == ["J0004"]
    ward.state = CLEAN
    view.refresh()
    qtbot.waitUntil(lambda: view.headline.text() == "No leak between the parts" and not background._pending)
    assert ward.asked == ["J0004", "J0003"]


def test_models_and_labels_are_told_in_sentences(shown, qtbot, background):
    view, _ = shown(CLEAN)
    for place, table, words in ((1, view.models, "Not known"), (2, view.labels, "Is the cart's own word")):
        view.tabs.setCurrentIndex(place)
        qtbot.waitUntil(lambda t=table: bool(t.rows.rows))
        assert table.rows.index(0, 1).data() == words
    assert [row.model for row in view.models.rows.rows] == ["vendor"]
    view.apply_theme(load_theme("dark"))


def test_a_search_is_asked_with_what_is_ticked(shown, qtbot):
    view, ward = shown(CLEAN)
    dialog = view.search()
    qtbot.waitUntil(lambda: dialog.choice.count() == 1)
    assert dialog.choice.item(0).text() == "older  (cohort, 9 recordings)"
    dialog.choice.item(0).setCheckState(Qt.CheckState.Checked)
    dialog.add_files(["/packs/ptb-xl.isofp"])
    with qtbot.waitSignal(view.begun) as begun:
        dialog.launch()
    assert begun.args == ["J0009"]
    assert ("main", ["older", "/packs/ptb-xl.isofp"]) in ward.asked


def test_a_pack_that_is_none_is_told_in_the_dialog(shown, qtbot):
    view, ward = shown(CLEAN)
    ward.refuses = True
    dialog = view.search()
    dialog.launch()
    qtbot.waitUntil(lambda: "the file is none" in dialog.fault.text())
    assert dialog.go.isEnabled()
    dialog.reject()


def test_fingerprints_leave_only_after_the_caution_was_agreed_to(shown, qtbot, tmp_path):
    view, ward = shown(CLEAN)
    dialog = view.export_fingerprints()
    assert not dialog.go.isEnabled()
    dialog.agreed.click()
    assert dialog.go.isEnabled()
    dialog.licence.setText("CC0")
    with qtbot.waitSignal(view.told) as told:
        dialog.export_to(str(tmp_path / "main.isofp"))
    assert told.args == ["main.isofp was written"]
    assert ward.asked[-1] == ("main", "main.isofp", ("main", "CC0", ""))


def test_without_a_cohort_nothing_can_be_asked(shown):
    view, _ = shown(FOUND, [pair()])
    view.show_cohort(None)
    assert (view.search(), view.export_fingerprints(), view.isEnabled()) == (None, None, False)
    assert view.headline.text() == "No cohort is chosen"
    assert view.pairs.rows.rows == []


def test_where_a_cohort_is_chosen_for_a_run_it_says_what_speaks_against_it(qtbot):
    choice = combo("Cohort")
    qtbot.addWidget(choice)
    told = {
        "leaks": "folds, COPIES IN TWO PARTS)",
        "not searched": "folds, not searched for copies)",
        "none found": "folds)",
    }
    rows = [CohortRow(name, 9, 9, "S", "5 patient folds", "", 0, 0, WHEN, leaks=name) for name in told]  # type: ignore[arg-type]
    add_cohorts(choice, rows)
    assert [choice.itemText(place).partition("patient ")[2] for place in range(3)] == list(told.values())
