"""A dossier as a real case would give it: a real ECG of the shipped sample, made-up figures that hang together."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.rows import (
    AuditVerdict,
    CohortRow,
    Exposure,
    LabelSummary,
    LeakSearch,
    LeakState,
    MetricSeries,
    SignalView,
)
from app.governance.dossier import (
    DataSummary,
    Dossier,
    Evidence,
    ExampleECG,
    LeaksSection,
    ModelSection,
    PretrainingSection,
    RunProvenance,
)
from app.governance.evidence import printable
from app.report.verify import RunFacts
from engine.contract.card import Lineage, ModelCard, Preprocessing
from engine.contract.config import PretrainConfig
from engine.contract.results import (
    CKA,
    CompareResults,
    Difference,
    Estimate,
    EvaluateResults,
    Interval,
    LabelResult,
    PretrainResults,
)
from engine.contract.selftest import Certificate, Deviation, SubjectVerdict
from engine.data.circularity import Circularity

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
LABELS = {"NORM": 62, "MI": 31, "STTC": 38, "CD": 33, "HYP": 24}
ANALYTIC = "clustered analytic (Obuchowski 1997), logit"
BOOTSTRAP = "patient-clustered bootstrap, 2,000 resamples, logit percentile"
SAMPLES = Path(__file__).resolve().parents[2] / "assets" / "samples" / "ptbxl"


def sha(seed: int) -> str:
    return np.random.default_rng(seed).bytes(32).hex()


def real_signal() -> NDArray[np.float32]:
    """[12, 5000] millivolts of the first shipped sample: format 16, 1,000 steps per millivolt."""
    file = sorted(SAMPLES.glob("*_hr.dat"))[0]
    return (np.fromfile(file, "<i2").reshape(-1, 12).T / 1000).astype(np.float32)


def signal_view(signal_CT: NDArray[np.float32] | None = None, derived: tuple[str, ...] = ()) -> SignalView:
    return SignalView("r3f9a1c22d07b", real_signal() if signal_CT is None else signal_CT, 500.0, LEADS, derived)


def estimate(value: float, positives: int, patients: int = 155, widen: float = 1.0) -> Estimate:
    spread = widen * 0.62 / math.sqrt(positives)
    logit = math.log(value / (1 - value))

    def interval(method: str, factor: float) -> Interval:
        ends = [1 / (1 + math.exp(-(logit + side * 1.96 * spread * factor))) for side in (-1, 1)]
        return Interval(low=ends[0], high=ends[1], method=method)

    few = positives < 50
    return Estimate(
        value=value,
        interval=interval(ANALYTIC if few else BOOTSTRAP, 1.0),
        beside=interval(BOOTSTRAP if few else ANALYTIC, 1.06),
        records=patients,
        patients=patients,
        positive_records=positives,
        positive_patients=positives,
        negative_patients=patients - positives,
    )


def difference(value: float, half: float) -> Estimate:
    return Estimate(
        value=value,
        interval=Interval(low=value - half, high=value + half, method="clustered analytic, paired"),
        beside=Interval(low=value - 1.1 * half, high=value + 1.04 * half, method="paired " + BOOTSTRAP),
        records=155,
        patients=155,
    )


def evaluation(name: str, mode: str, base: float, seed: int, labels: dict[str, int], layers: list[str]) -> Any:
    rng = np.random.default_rng(seed)
    values = {label: float(np.clip(base + rng.normal(0, 0.05), 0.4, 0.97)) for label in labels}
    macro = estimate(float(np.mean(list(values.values()))), 40)
    return EvaluateResults(
        model=name,
        model_sha256=sha(seed),
        mode=mode,
        macro=macro.model_copy(update={"positive_records": None}),
        labels=[LabelResult(label=label, auroc=estimate(values[label], n)) for label, n in labels.items()],
        split_id="S-7c1e9a04",
        split_kind="out-of-fold over 5 patient folds",
        test_sha256=sha(90),
        records=155,
        patients=155,
        layers=layers,
        seed=0,
        resamples=2000,
        seconds=12.5,
    )


def cards(names: tuple[str, ...]) -> list[ModelCard]:
    line = Lineage(
        objective="cpc",
        fidelity="intended",
        backbone="s4, causal, 2 blocks, width 64",
        parameters=58_432,
        corpus="ptbxl-sample",
        corpus_sha256=sha(7),
        records=140,
        patients=140,
        steps=400,
        seed=0,
        run_id="J0002",
    )
    pre = Preprocessing(rate_hz=240.0, window_s=2.5)
    bare = Lineage(backbone="s4, causal, 2 blocks, width 64", parameters=58_432, objective="none", corpus="none")
    return [
        ModelCard(
            name=names[0], source="native", output="embedding", lineage=line, preprocessing=pre, developer="local"
        ),
        ModelCard(
            name=names[1], source="random", output="embedding", lineage=bare, preprocessing=pre, developer="local"
        ),
        ModelCard(name=names[2], source="baseline", output="uncalibrated score", developer="local"),
        ModelCard(name=names[3], source="predictions", output="uncalibrated score"),
    ]


def compare(names: tuple[str, ...], labels: dict[str, int], layers: list[str]) -> CompareResults:
    rng = np.random.default_rng(5)
    differences = [
        Difference(
            model=names[0],
            reference=name,
            label=label,
            estimate=difference(float(rng.normal(0.06, 0.05)), 0.04 if label == "macro" else 0.09),
        )
        for label in ["macro", *labels]
        for name in names[1:]
    ]
    cka = [
        CKA(
            rows=names[0],
            columns=column,
            row_layers=layers,
            column_layers=layers,
            values=[
                [float(np.clip(top - 0.16 * abs(i - j), -0.01, 1)) for j in range(len(layers))]
                for i in range(len(layers))
            ],
            records=155,
            warning="155 recordings for 64 features: read small differences with care",
        )
        for column, top in ((names[0], 1.0), (names[1], 0.61))
    ]
    return CompareResults(
        examined=names[0],
        models=list(names),
        differences=differences,
        further=further(names),
        cka=cka,
        split_id="S-7c1e9a04",
        test_sha256=sha(90),
        seed=0,
        resamples=2000,
        seconds=4.0,
    )


def further(names: tuple[str, ...]) -> list[Difference]:
    """Macro differences of two more measures; the corrected p value grows from model to model."""
    return [
        Difference(
            model=names[0],
            reference=name,
            label="macro",
            estimate=difference(sign * 0.02 * (3 - place), 0.02),
            measure=measure,
            p_value=0.0002 + 0.1 * place,
            adjusted_p=0.0006 + 0.2 * place,
            correction="Benjamini-Hochberg",
        )
        for measure, sign in (("AUPRC", 1), ("Brier", -1))
        for place, name in enumerate(names[1:])
    ]


def pretrained(name: str) -> PretrainingSection:
    steps = tuple(range(0, 401, 4))
    loss = tuple(4.86 - 1.9 * (1 - math.exp(-s / 130)) + 0.05 * math.sin(s) for s in steps)
    held = tuple(range(0, 401, 50))
    held_loss = tuple(4.87 - 1.72 * (1 - math.exp(-s / 130)) for s in held)
    chance = math.log(129)
    return PretrainingSection(
        "J0002",
        PretrainConfig(name=name, steps=400, batch_size=32),
        PretrainResults(
            checkpoint="checkpoints/step-000400",
            weights_sha256=sha(1),
            steps=400,
            parameters=58_432,
            final={"loss": loss[-1], "validation_loss": held_loss[-1], "trivial_loss": chance, "accuracy": 0.214},
            seconds=58.0,
        ),
        (
            MetricSeries("loss", steps, loss),
            MetricSeries("validation_loss", held, held_loss),
            MetricSeries("trivial_loss", steps, (chance,) * len(steps)),
        ),
    )


def evidence_of(results: dict[str, dict[str, Any]]) -> tuple[Evidence, ...]:
    found = [(job, path, value) for job, node in results.items() for path, value in printable(node)]
    return tuple(Evidence(f"E{k + 1:04d}", job, path, value) for k, (job, path, value) in enumerate(found))


def results_of(dossier: Dossier) -> dict[str, dict[str, Any]]:
    """Results of every run of a dossier as plain data."""
    plain = {model.evaluation_job: model.evaluation.model_dump(mode="json") for model in dossier.models}
    plain[dossier.comparison_job] = dossier.comparison.model_dump(mode="json")
    plain.update({one.job_id: one.results.model_dump(mode="json") for one in dossier.pretrainings})
    return plain | {SEARCH: {"records": 155}}


def leaks_section(names: tuple[str, ...]) -> LeaksSection:
    """A cohort that was searched and is clean; a model that was pretrained on it, and one of which nobody knows."""
    seen = f"'{names[0]}' was pretrained on 155 of the 155 scored recordings (signals only, no labels)"
    told = (
        Exposure(names[0], "155 recordings of this workspace", (seen,)),
        Exposure(names[1], "nothing before it is scored"),
        Exposure(names[3], "not known", (), (f"What '{names[3]}' was trained on is not known",)),
    )
    searched = LeakSearch("", SEARCH, "2026-11-22T14:01:00Z", 155, notes=("2 recordings have a copy in the same part",))
    return LeaksSection(
        LeakState(
            "demo", "none found", "", SEARCH, (searched, LeakSearch("PTB-XL", SEARCH, "2026-11-22T14:01:00Z", 21799))
        ),
        told,
        (Circularity("NORM", "independent", "NORM does not repeat the cart's statement", 155, 62, 0, 150, "NSR", 0.4),),
    )


def data_summary(labels: dict[str, int]) -> DataSummary:
    return DataSummary(
        datasets=("ptbxl-sample",),
        records=155,
        patients=155,
        female=78,
        male=77,
        sex_unknown=0,
        age_median=61.0,
        age_low_quartile=50.0,
        age_high_quartile=72.0,
        age_unknown=2,
        rates_hz=(500.0,),
        seconds_low=10.0,
        seconds_high=10.0,
        quality={"good": 149, "limited": 6, "unusable": 0},
        labels=tuple(LabelSummary(name, n, 145 - n, 10, n, 145 - n) for name, n in labels.items()),
        manifest_sha256=sha(11),
    )


def certificate(wrong: int = 0) -> Certificate:
    """A self-test of one statistic; with `wrong` numbers it does not hold."""
    deviation = Deviation(
        subject="net_benefit", case="rare", quantity="at 0.1", expected=0.125, found=0.25, tolerance=1e-9
    )
    return Certificate(
        right=not wrong,
        subjects=[
            SubjectVerdict(subject="net_benefit", software="dcurves 1.1.7", cases=3, numbers=45, wrong=wrong, worst=0.2)
        ],
        deviations=[deviation] * wrong,
        numbers=45,
        references_sha256="ab" * 32,
        isoline="0.1.0",
        python="3.11.7",
        packages={"numpy": "2.4.6"},
        machine="Linux x86_64",
        made_at="2026-11-22T14:02:00+00:00",
        seconds=2.0,
    )


CLAIMS = (
    "On 155 recordings, the pretrained model's interval does not tell it apart from age and sex alone.",
    "No single label is separated better than by random weights: every paired interval but one holds zero.",
    "With fewer than 50 patients in most classes a large advantage can be ruled out, a small one cannot be shown.",
)
LIMITS = (
    "The sample is small and was chosen for teaching; its label frequencies are not those of any ward.",
    "Labels are statements of the public collection at a likelihood of at least 50, not adjudicated outcomes.",
    "The pretrained model saw recordings of the same collection without labels; it was pretrained for one minute.",
    "No calibration, no operating point, no subgroup and no robustness result is part of this dossier.",
    "A 12-lead waveform may identify a person even without a name. Treat the drawn recording as personal data.",
)
NAMES = ("demo CPC on S4", "random S4", "age + sex", "age + sex (supplied scores)")
JOBS = {"J0001": "import", "J0002": "pretrain", **{f"J{n:04d}": "evaluate" for n in range(3, 7)}, "J0007": "compare"}
SEARCH = "J0008"
JOBS[SEARCH] = "leakage"
LAYERS = ["stem", "block 1", "block 2", "block 3", "block 4"]


def make_dossier(
    names: tuple[str, ...] = NAMES,
    labels: dict[str, int] | None = None,
    layers: list[str] | None = None,
    evaluations: dict[int, dict[str, Any]] | None = None,
    signal: SignalView | None = None,
    **changes: Any,
) -> Dossier:
    """A dossier of four models; `evaluations` replaces fields of the n-th model's results."""
    labels, layers = labels or LABELS, layers or LAYERS
    looks = (("linear probe", 0.74, layers), ("linear probe", 0.66, layers), ("age + sex", 0.67, []))
    looks = (*looks, ("scores as supplied", 0.665, []))
    models = []
    for i, (card, (mode, base, kept)) in enumerate(zip(cards(names), looks, strict=True)):
        outcome = evaluation(card.name, mode, base, i + 1, labels, list(kept))
        outcome = outcome.model_copy(update=(evaluations or {}).get(i, {}))
        models.append(ModelSection(card, sha(i + 1), f"J{i + 3:04d}", outcome))
    draft = Dossier(
        title="ECG models on the shipped PTB-XL sample",
        created="2026-11-22T14:03:11Z",
        workspace_id="5b0c9f2e7d314a6f",
        data=data_summary(labels),
        cohort=CohortRow("demo", 155, 155, "S-7c1e9a04", "5 patient folds", sha(12), 0, 4, "2026-11-22T14:00:00Z"),
        models=tuple(models),
        comparison_job="J0007",
        comparison=compare(names, labels, layers),
        pretrainings=(pretrained(names[0]),),
        example=ExampleECG("r3f9a1c22d07b", "ptbxl-sample", "63", "male", signal or signal_view(), "good", ("NORM",)),
        claims=CLAIMS,
        limits=LIMITS,
        runs=tuple(
            RunProvenance(job, kind, sha(30 + k), sha(60 + k), 0, {"python": "3.11.7", "torch": "2.13.0+cpu"})
            for k, (job, kind) in enumerate(JOBS.items())
        ),
        evidence=(),
        audit_seq=212,
        audit_head=sha(99),
        versions={"isoline": "0.1.0", "python": "3.11.7", "numpy": "2.4.6", "reportlab": "5.1.0"},
        leaks=leaks_section(names),
        certificate=certificate(),
    )
    changed = Dossier(**{**vars(draft), **changes})
    if "evidence" in changes:
        return changed
    return Dossier(**{**vars(changed), "evidence": evidence_of(results_of(changed))})


class Facts:
    """A workspace that agrees with a dossier until a test changes it."""

    def __init__(self, dossier: Dossier, pdf_sha256: str = "") -> None:
        self.workspace_id = dossier.workspace_id
        plain = results_of(dossier)
        self.runs = {
            run.job_id: RunFacts(
                run.config_sha256, run.results_sha256, plain.get(run.job_id, {}), run.config_sha256, run.results_sha256
            )
            for run in dossier.runs
        }
        self.models = {model.sha256: model.sha256 for model in dossier.models}
        self.verdict = AuditVerdict(True, dossier.audit_seq + 1, sha(100))
        self.hashes = {dossier.audit_seq: dossier.audit_head}
        self.pdfs = frozenset({pdf_sha256})

    def run(self, job_id: str) -> RunFacts | None:
        return self.runs.get(job_id)

    def model_sha256(self, sha256: str) -> str | None:
        return self.models.get(sha256)

    def audit(self) -> AuditVerdict:
        return self.verdict

    def audit_hash(self, seq: int) -> str | None:
        return self.hashes.get(seq)

    def exported(self) -> frozenset[str]:
        return self.pdfs
