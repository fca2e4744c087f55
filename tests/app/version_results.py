"""Results of a made-up version regression: better ranks, and a threshold that no longer fits."""

from __future__ import annotations

from engine.contract.estimate import Estimate, Interval
from engine.contract.version_change import (
    Change,
    DisagreementTest,
    Flip,
    Flips,
    GroupChange,
    LabelChange,
    OutputChange,
    PolicyChange,
    ScoreAgreement,
    VersionResults,
)


def estimate(value: float, reach: float = 0.05) -> Estimate:
    """A number with its interval."""
    return Estimate(value=value, interval=Interval(low=value - reach, high=value + reach, method="x"), patients=100)


def change(name: str, gap: float, verdict: str, direction: str) -> Change:
    """A difference of two numbers."""
    return Change(
        name=name,
        old=estimate(0.9),
        new=estimate(0.9 + gap),
        difference=estimate(gap, 0.02),
        p_value=0.001,
        adjusted_p=0.002,
        correction="Benjamini-Hochberg",
        margin=0.02,
        verdict=verdict,
        direction=direction,
    )


def policy(name: str, after: float, specificity: Change) -> PolicyChange:
    """Flips, a test and alerts."""
    gap = Estimate(value=after - 12, interval=Interval(low=after - 20, high=after - 5, method="x"))
    return PolicyChange(
        name=name,
        flips=[Flips(name="without label", records=90, stayed_negative=20, to_positive=61, stayed_positive=9)],
        tests=[
            DisagreementTest(
                name="without label",
                old_only=61,
                new_only=0,
                patients=61,
                p_exact=1e-9,
                p_clustered=1e-9,
                statistic=60.0,
                method="exact",
            )
        ],
        changes=[specificity],
        alerts_old=estimate(12.0, 3),
        alerts_new=estimate(after, 3),
        alerts_difference=gap,
    )


def results(identical: bool = False) -> VersionResults:
    """One label."""
    nothing = estimate(0.0, 0.01)
    label = LabelChange(
        label="AF",
        old_output="probability",
        new_output="probability",
        identical=identical,
        changes=[change("AUROC", 0.08, "superior", "better")],
        policies=[
            policy("own", 10.0, change("specificity", 0.0, "non-inferior", "no change shown")),
            policy("kept", 80.0, change("specificity", -0.7, "inferior", "worse")),
        ],
        agreement=ScoreAgreement(not_estimable="made up"),
        output=OutputChange(old=nothing, new=nothing, difference=nothing, lost=0, gained=0, direction="unchanged"),
        groups=[
            GroupChange(
                name="sex: female",
                attribute="sex",
                group="female",
                direction="insufficient evidence",
                reason="insufficient evidence: 3 patients with the label and 9 without, 10 are needed",
                records=12,
                patients=12,
            )
        ],
        flips=[
            Flip(
                record="r1",
                label="AF",
                kind="new false alarm",
                policy="kept",
                old_score=0.1,
                new_score=0.8,
                moved=0.6,
            )
        ],
    )
    return VersionResults(
        old="v1",
        new="v2",
        old_sha256="0" * 64,
        new_sha256="1" * 64,
        old_mode="scores as supplied",
        new_mode="scores as supplied",
        macro=change("macro AUROC", 0.08, "superior", "better").model_copy(update={"adjusted_p": None}),
        labels=[label],
        margin=0.02,
        brier_margin=0.01,
        split_id="S-1",
        split_kind="held-out test patients",
        test_sha256="2" * 64,
        records=100,
        patients=100,
        seed=0,
        resamples=100,
        confidence=0.95,
        seconds=0.1,
    )
