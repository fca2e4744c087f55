"""Results of a vetting for tests of the app: one finding of each sort, one dangerous item."""

from __future__ import annotations

from engine.contract.estimate import Estimate, Interval
from engine.contract.vetting import (
    Determinism,
    GraphPort,
    InputParity,
    OutputDeterminism,
    OutputParity,
    ParityCertificate,
    ParityVerdict,
    Sensitivity,
    SensitivityItem,
    VetFinding,
    VetResults,
    VettedGraph,
    VettedSandbox,
)


def certificate(verdict: ParityVerdict, sha256: str = "a" * 64) -> ParityCertificate:
    compared = verdict != "no reference supplied"
    met = verdict == "met"
    output = OutputParity(
        output="logits",
        compared="recordings",
        records=16,
        values=32,
        largest_absolute=1e-6 if met else 0.3,
        largest_relative=2e-6 if met else 0.5,
        worst="golden-01, MI",
        range=1.0,
        limit=0.001,
        met=met,
    )
    fed = InputParity(record="golden-01", largest_absolute=999.0, range=2.0, met=False, hint="microvolts")
    return ParityCertificate(
        verdict=verdict,
        model="codec",
        version="1",
        model_sha256=sha256,
        files={"codec.onnx": sha256},
        contract_sha256="c" * 64,
        golden_sha256="d" * 64,
        reference_sha256="e" * 64 if compared else "",
        tolerance=1e-3,
        outputs=[output] if compared else [],
        inputs=[fed] if compared and not met else [],
        versions={"isoline": "0.1.0", "numpy": "2.4.6"},
        date="2026-11-23T10:00:00+00:00",
    )


def results(sha256: str, verdict: ParityVerdict = "not met") -> VetResults:
    change = Interval(low=-0.2, high=-0.05, method="patient-clustered bootstrap")
    items = [
        SensitivityItem(
            name="arms", field="leads", title="Arms exchanged", verdict="works, differs", why="0.9", spearman=0.9
        ),
        SensitivityItem(
            name="inverted",
            field="polarity",
            title="Polarity inverted",
            verdict="works, only worse",
            why="macro AUROC -0.120, and the outputs look like any others",
            spearman=0.4,
            changed_calls=0.3,
            change=Estimate(value=-0.12, interval=change, records=50, patients=40),
        ),
        SensitivityItem(
            name="no_clipping",
            field="clip_mv",
            title="Not clipped",
            verdict="not tried",
            why="the contract clips nothing",
        ),
    ]
    return VetResults(
        model="codec",
        version="1",
        model_sha256=sha256,
        contract_sha256="c" * 64,
        findings=[
            VetFinding(
                rule="licence", weight="serious", subject="licence", found="nobody knows", advice="Ask its maker"
            ),
            VetFinding(rule="batch", weight="note", found="it is run one by one"),
        ],
        passed=["runs", "window"],
        unchecked={"leads": "the file tells none"},
        graph=VettedGraph(
            inputs=[GraphPort(name="signal", dtype="float32", shape=["batch", 12, 300])],
            outputs=[GraphPort(name="logits", dtype="float32")],
        ),
        sandbox=VettedSandbox(means=["bubblewrap"], complete=True),
        parity=certificate(verdict, sha256),
        determinism=Determinism(
            state="deterministic",
            repeats=5,
            batches=[1, 2, 8],
            outputs=[OutputDeterminism(output="logits", by_call=0.0, by_order=0.0, by_size=0.0, range=3.0)],
        ),
        sensitivity=Sensitivity(
            records=50,
            patients=40,
            where="cohort main",
            mode="the model's own outputs",
            clean=Estimate(value=0.9, records=50, patients=40, not_estimable="no interval: made up"),
            loss=0.01,
            items=items,
        ),
        seconds=1.0,
    )
