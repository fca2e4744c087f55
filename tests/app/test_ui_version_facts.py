"""A version regression in the run's view: alerts on the day of the update first, a figure, a button for the record."""

from threading import Event

import pytest
from fake_workspace import FakeWorkspace
from version_results import results

from app.core.rows import JobDetail, JobRow, ProgressRow
from app.ui.background import Background
from app.ui.run_view import Look, RunView
from app.ui.version_facts import version_facts


@pytest.fixture
def background(qtbot):
    made = Background()
    yield made
    made.close()


def seen(kind="version", state="done", told=None):
    row = JobRow("J0009", kind, "v2 in place of v1", state, "", "", "", ProgressRow(), "", "")
    detail = JobDetail(row, {}, told, 0, (), {}, "", ())
    return Look(detail, (), (), -1, "")


def values(told):
    return [(fact.name, fact.value) for fact in version_facts(told.model_dump(mode="json"))]


def test_alerts_at_the_kept_threshold_stand_before_all_that_got_worse():
    told = values(results())
    names = [name for name, _ in told]
    assert names.index("AF, alerts per 100") < names.index("Worse")
    assert dict(reversed(told))["AF, alerts per 100"] == (
        "The old threshold kept for the new version: 12.0 before, 80.0 after: +68.0 (+60.0 to +75.0)"
    )


def test_losses_gains_and_what_cannot_be_said_are_told_apart():
    told = dict(values(results()))
    assert told["Worse"].startswith("AF, specificity (old threshold kept): -0.700")
    assert told["Better"].startswith("AF, AUROC: +0.080")
    assert told["Insufficient evidence"] == "AF, sex: female"
    assert "r1 (new false alarm)" in told["AF, look at"]


def test_equal_versions_are_told_in_one_line():
    told = dict(values(results(identical=True)))
    assert told["AF"] == "both versions say exactly the same of every recording"
    assert "AF, alerts per 100" not in told


def test_the_button_for_the_record_is_there_for_a_finished_regression_alone(qtbot, background):
    view = RunView(FakeWorkspace(), background)
    qtbot.addWidget(view)
    for kind, state, there in (("version", "done", True), ("version", "running", False), ("drift", "done", False)):
        view.show_job(seen(kind, state).detail.job)
        assert view.record.isHidden() is not there
    view.show_job(seen().detail.job)
    dialog = view.record.ask()
    assert dialog.selectedFiles()[0].endswith("change-J0009.pdf")
    dialog.reject()


def test_a_written_record_is_confirmed_and_a_refused_one_is_told(qtbot, background):
    workspace, written, refused, gate = FakeWorkspace(), [], [], Event()

    def write(job, file):
        assert gate.wait(20)
        written.append((job, file.name))

    workspace.export_change_record = write
    view = RunView(workspace, background)
    qtbot.addWidget(view)
    view.show_job(seen().detail.job)
    view.record.write("/tmp/change.pdf")
    assert not view.record.isEnabled()
    gate.set()
    qtbot.waitUntil(lambda: not background.busy)
    assert written == [("J0009", "change.pdf")]
    assert view.record.isEnabled()
    assert view.record.text().startswith("Change record written")

    def refuse(job, file):
        raise OSError("full")

    workspace.export_change_record = refuse
    background.failed.connect(refused.append)
    view.record.write("/tmp/change.pdf")
    qtbot.waitUntil(lambda: bool(refused))
    assert view.record.text() == "Write change record…"


def test_the_figure_of_a_regression_is_offered_beside_its_lines(qtbot, background):
    workspace = FakeWorkspace()
    workspace.answers["J0009"] = results()
    view = RunView(workspace, background)
    qtbot.addWidget(view)
    look = seen(told=results().model_dump(mode="json"))
    view.show_job(look.detail.job)
    view.show_look(look)
    place = view.tabs.indexOf(view.figures)
    assert view.tabs.isTabVisible(place)
    view.show()
    view.tabs.setCurrentIndex(place)
    qtbot.waitUntil(lambda: view.figures.view.figure is not None)
    assert view.figures.view.figure.name == "version"
