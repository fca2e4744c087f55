"""Runs that look further than an evaluation, in the run's view: lines in words, and the stress bench's figure."""

import pytest
from fake_workspace import FakeWorkspace
from test_core_examinations import told as stress_results

from app.core.rows import JobDetail, JobRow, ProgressRow
from app.ui.background import Background
from app.ui.examination_facts import drift_facts, efficiency_facts, stress_facts
from app.ui.run_view import Look, RunView
from engine.contract.drift import DriftResults, FeatureShift, GroupShift, KernelTest, PriorShift
from engine.contract.efficiency import BatchCost, EfficiencyResults, Flops
from engine.contract.estimate import Estimate, Interval


def estimate(value):
    return Estimate(value=value, interval=Interval(low=value - 0.05, high=value + 0.05, method="x"))


def lines(facts):
    return {fact.name: fact.value for fact in facts}


def test_a_stress_bench_tells_where_each_growing_fault_breaks_and_what_a_single_one_costs():
    found = lines(stress_facts(stress_results().model_dump(mode="json")))
    assert found["As they are"].startswith("macro AUROC 0.800")
    assert "loses 0.05 at" in found["Hum"]
    assert "+" in found["Exchange"] or "-" in found["Exchange"]


def drift_results():
    kernel = KernelTest(
        squared=0.01, bandwidth=3, p_value=0.25, permutations=999, reference_records=40, local_records=50
    )
    shift = {"kind": "number", "reference_records": 9, "local_records": 9}
    return DriftResults(
        model="m",
        model_sha256="0" * 64,
        classifier=estimate(0.75),
        kernel=kernel,
        features=[
            FeatureShift(
                feature="age", reference_centre="a", local_centre="b", distance=0.6, stability=1, p_value=0.2, **shift
            ),
            FeatureShift(feature="rate", reference_centre="?", local_centre="?", not_estimable="not known", **shift),
        ],
        groups=[
            GroupShift(
                attribute="device", group="X", classifier=estimate(0.9), adjusted_p=0.02, records=30, patients=20
            )
        ],
        priors=[PriorShift(label="AF", threshold=0.5, reference=estimate(0.3), local=estimate(0.1))],
        reference_records=1400,
        reference_patients=40,
        local_records=50,
        local_patients=50,
        seed=0,
        seconds=1,
    )


def test_a_drift_check_tells_facts_groups_and_shares():
    found = lines(drift_facts(drift_results().model_dump(mode="json")))
    assert found["Told apart"] == "AUROC 0.750 (0.700 to 0.800); 0.5 when alike"
    assert found["Age"] == "a there, b here; distance 0.600, p 0.200"
    assert found["Rate"] == "? there, ? here; not estimable: not known"
    assert found["Device X"] == "30 recordings of 20 patients: AUROC 0.900 (0.850 to 0.950), adjusted p 0.020"
    assert "by local labels: no labels" in found["Share of AF"]


def efficiency_results():
    flops = Flops(
        forward=2_000_000_000,
        forward_backward=6_000_000_000,
        products_forward=1,
        products_forward_backward=1,
        counter_forward=1_000_000_000,
        counter_forward_backward=3_000_000_000,
    )
    costs = [
        BatchCost(device="cpu", device_name="processor", threads=1, batch=1, p50_ms=3.25, crops_per_s=307.7),
        BatchCost(device="cpu", device_name="processor", threads=1, batch=64, p50_ms=90.0, crops_per_s=711.1),
        BatchCost(device="cuda", device_name="", threads=1, batch=64, problem="no GPU"),
    ]
    return EfficiencyResults(
        model="m",
        model_sha256="0" * 64,
        backbone="S4",
        crop_s=2.5,
        rate_hz=240,
        tokens=300,
        parameters=1234,
        trainable=1000,
        flops=flops,
        costs=costs,
        seconds=1,
    )


def test_a_cost_that_could_not_be_measured_says_why():
    found = lines(efficiency_facts(efficiency_results().model_dump(mode="json")))
    assert found["Forward"] == "2.0000 GFLOPs a crop; torch's counter: 1.0000 GFLOPs"
    assert found["processor, 1 at a time"] == "median 3.2 ms, 307.7 crops a second"
    assert found["cuda, 64 at a time"] == "not measured: no GPU"


def test_of_a_vendors_model_what_cannot_be_told_is_said():
    told = efficiency_results().model_copy(update={"tokens": None, "trainable": None, "flops": None})
    found = lines(efficiency_facts(told.model_dump(mode="json")))
    assert (found["Input"], found["Parameters"]) == ("2.5 s at 240 Hz", "1,234")
    assert found["Forward"] == "not counted: its graph is not looked into"
    assert "Training pass" not in found
    weights = told.model_copy(update={"products": 25_800_000, "parameters": None})
    found = lines(efficiency_facts(weights.model_dump(mode="json")))
    assert found["Forward"] == "0.0258 GFLOPs a crop, its products alone"
    assert found["Parameters"] == "its file does not tell"


@pytest.fixture
def view(qtbot):
    background = Background()
    made = RunView(FakeWorkspace(), background)
    qtbot.addWidget(made)
    yield made
    background.close()


def looked(job_id, kind, results):
    job = JobRow(job_id, kind, "n", "done", "", "", "", ProgressRow(), "", "")
    return job, Look(JobDetail(job, {}, results, 0, (), {}, "", (), ""), (), (), 0, "")


def test_only_an_examination_has_figures_beside_its_lines(view, qtbot):
    place = view.tabs.indexOf(view.figures)
    view.figures.workspace.answers["J0001"] = stress_results()
    job, seen = looked("J0001", "stress", stress_results().model_dump(mode="json"))
    view.show_job(job)
    view.show_look(seen)
    assert view.tabs.isTabVisible(place)
    view.tabs.setCurrentIndex(place)
    with qtbot.waitSignal(view.figures.view.drawn, timeout=20_000):
        view.show()
    assert view.figures.view.figure is not None
    job, seen = looked("J0002", "verify", None)
    view.show_job(job)
    view.show_look(seen)
    assert not view.tabs.isTabVisible(place)


@pytest.mark.parametrize(
    ("kind", "made", "titles"),
    [
        ("drift", drift_results, ["Told from the reference", "Distance of plain facts", "Shares of labels"]),
        ("efficiency", efficiency_results, ["Throughput and parameters", "Throughput and batch size"]),
    ],
)
def test_each_figure_of_a_drift_check_and_of_a_cost_is_chosen_by_its_title(view, qtbot, kind, made, titles):
    view.figures.workspace.answers["J0001"] = made()
    job, seen = looked("J0001", kind, made().model_dump(mode="json"))
    view.show_job(job)
    view.show_look(seen)
    view.tabs.setCurrentIndex(view.tabs.indexOf(view.figures))
    shown = view.figures
    with qtbot.waitSignal(shown.view.drawn, timeout=20_000):
        view.show()
    assert [shown.choice.itemText(place) for place in range(shown.choice.count())] == titles
    for place in (len(titles) - 1, 0):
        with qtbot.waitSignal(shown.view.drawn, timeout=20_000):
            shown.choice.setCurrentIndex(place)
        assert shown.view.figure.title == titles[place]
