"""The worker of a vetting: the card by itself, the card against the file, golden ECGs, parity, and what errors cost."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine.contract.errors import WorldError, disk_error
from engine.contract.events import EventWriter, Progress
from engine.contract.run import RunFolder, write_whole
from engine.contract.vetting import (
    CERTIFICATE,
    GOLDEN,
    KEPT_OUTPUTS,
    REFERENCE,
    Determinism,
    Golden,
    ParityCertificate,
    Sensitivity,
    VetConfig,
    VetFinding,
    VetResults,
)
from engine.data.golden import GoldenECG, golden_sha256, read_golden
from engine.data.manifest import Manifest
from engine.data.reference_outputs import Reference, read_reference
from engine.data.store import Store
from engine.evaluation.judge import tested
from engine.evaluation.opened import Opened, open_labels
from engine.evaluation.progress import Pace
from engine.evaluation.vetting.bench import Bench
from engine.evaluation.vetting.card_rules import check_isolation, check_the_card
from engine.evaluation.vetting.determinism import check_determinism, measure_determinism, not_measured
from engine.evaluation.vetting.findings import Findings
from engine.evaluation.vetting.golden_run import Answered, Fed, answered, fed, golden_page, keep_answers
from engine.evaluation.vetting.graph_rules import check_outputs, check_the_graph
from engine.evaluation.vetting.parity import Comparison, certificate, compare, contract_sha256
from engine.evaluation.vetting.recordings import Recordings, of_golden, of_store, spread
from engine.evaluation.vetting.sensitivity import measure_sensitivity
from engine.evaluation.vetting.subject import (
    Described,
    Subject,
    Windows,
    check_the_batches,
    described,
    joined,
    of_the_machine,
)
from engine.evaluation.vetting.unit_rules import check_the_units
from engine.evaluation.vetting.value_rules import OF_VALUES, check_the_values
from engine.evaluation.vetting.weighing import weighed
from engine.training.device import set_threads
from engine.zoo.external import LoadedExternal, load_external

STAGES = ("reading the card", "running golden ECGs", "asking again", "comparing with the vendor's numbers")
MISFIT = ("inputs", "input-type", "axes", "leads", "window", "outputs")
"""Rules after whose blocking findings running the model would only repeat them."""

OF_RUNS = ("runs", "batch", *OF_VALUES)


@dataclass
class _Vetting:
    """What has been found out so far."""

    config: VetConfig
    model: LoadedExternal
    golden: list[GoldenECG]
    reference: Reference | None
    findings: Findings = field(default_factory=Findings)
    page: Golden | None = None
    determinism: Determinism = field(default_factory=lambda: not_measured("the model does not run"))
    comparison: Comparison = field(default_factory=Comparison)


def run(folder: RunFolder, config: VetConfig, events: EventWriter) -> VetResults:
    """Vet an external model.

    Raises:
        WorldError: its files or the run's are missing or damaged, or this machine cannot run it.
        UsageError: a label is answered by no class of the model.
        Stopped: somebody asked; contract items that are done are kept.
    """
    began = time.monotonic()
    set_threads(config.threads)
    _tell(events, 0)
    vetting = _Vetting(
        config=config,
        model=load_external(config.model, config.threads),
        golden=read_golden(folder.path / GOLDEN),
        reference=read_reference(folder.path / REFERENCE) if config.reference_sha256 else None,
    )
    about = _look_at(vetting)
    works = about is not None and _ask(vetting, about, folder, events)
    kept = _certificate(vetting)
    write_whole(folder.path / CERTIFICATE, kept.model_dump_json(indent=1) + "\n")
    sensitivity = _sensitivity(folder, vetting, events) if works else None
    findings = vetting.findings
    return VetResults(
        model=config.model.name,
        version=config.card.version,
        model_sha256=config.model.sha256,
        contract_sha256=contract_sha256(config.model.preprocessing),
        findings=_findings(vetting, sensitivity),
        passed=findings.passed,
        unchecked=findings.unchecked,
        graph=about.graph if about else None,
        sandbox=about.sandbox if about else None,
        golden=vetting.page,
        parity=kept,
        determinism=vetting.determinism,
        sensitivity=sensitivity,
        seconds=round(time.monotonic() - began, 3),
    )


def _findings(vetting: _Vetting, sensitivity: Sensitivity | None) -> list[VetFinding]:
    """All of them, the weightiest first; what is assumed weighs what an error in it was seen to do."""
    if sensitivity is not None:
        vetting.findings.found = weighed(vetting.findings.found, sensitivity)
    return vetting.findings.ordered


def _look_at(vetting: _Vetting) -> Described | None:
    """The card by itself and against the file; None where the file cannot be loaded."""
    config, findings = vetting.config, vetting.findings
    check_the_card(config.card, findings)
    check_the_units(config.model.preprocessing, vetting.golden, findings)
    try:
        about = described(config.model, config.threads)
    except WorldError as error:
        if of_the_machine(error):
            raise
        findings.find("runs", "blocking", f"it cannot be loaded: {error.reason}", error.next_step)
        findings.skip("it cannot be loaded", *MISFIT, *OF_RUNS, "sandbox", "determinism")
        return None
    check_isolation(about.sandbox, findings)
    check_the_graph(about.graph, config.model.preprocessing, config.model.outputs, findings)
    return about


def _ask(vetting: _Vetting, about: Described, folder: RunFolder, events: EventWriter) -> bool:
    """Run golden ECGs; whether the model works, so that its contract can be broken."""
    findings, model = vetting.findings, vetting.model
    misfit = [one.rule for one in findings.found if one.rule in MISFIT and one.weight == "blocking"]
    feeds = fed(vetting.golden, model.preprocessing)
    windows = [one.x_NCL for one in feeds if one.x_NCL is not None]
    if misfit or not windows:
        why = "card and file do not fit each other" if misfit else f"no golden ECG can be fed: {feeds[0].refused}"
        findings.skip(why, *OF_RUNS, "outputs", "determinism")
        vetting.page = golden_page(vetting.golden, feeds, [], model.outputs)
        vetting.determinism = not_measured(why)
        return False
    _tell(events, 1)
    with Subject(model.start).opened() as subject:
        subject.try_sizes(np.concatenate(windows))
        check_the_batches(subject, about.graph, findings)
        told, feeds = answered(subject, model, feeds) if 1 in subject.taken else ([], feeds)
        vetting.page = golden_page(vetting.golden, feeds, told, model.outputs)
        _refused(feeds, findings)
        if not told:
            findings.skip("the model does not run", *OF_VALUES, "outputs", "determinism")
            return False
        _look_at_answers(vetting, told)
        _keep(folder.path / KEPT_OUTPUTS, told)
        _tell(events, 2)
        vetting.determinism = _measured(subject, np.concatenate([one.x_NCL for one in told]), vetting)
        check_determinism(vetting.determinism, findings)
        _tell(events, 3)
        if vetting.reference is not None:
            vetting.comparison = compare(vetting.reference, told, model, subject, vetting.config.tolerance)
    return not any(one.rule == "classes" and one.weight == "blocking" for one in findings.found)


def _measured(subject: Subject, x_NCL: Windows, vetting: _Vetting) -> Determinism:
    """Whether answers stay the same; a model that fails on what it has answered before is a finding."""
    try:
        return measure_determinism(subject, x_NCL, vetting.config.repeats)
    except WorldError as error:
        if of_the_machine(error):
            raise
        reason = f"asked again for what it has answered, it fails: {error.reason}"
        vetting.findings.find("runs", "serious", reason, error.next_step)
        return not_measured(reason)


def _refused(feeds: list[Fed], findings: Findings) -> None:
    """Golden ECGs that the contract cannot make, or that the model fails on."""
    failed = [one for one in feeds if one.refused]
    if failed:
        named = ", ".join(one.name for one in failed)
        reason = f"of the golden ECGs, {len(failed)} of {len(feeds)} cannot be run ({named}): {failed[0].refused}"
        findings.find("runs", "serious", reason, "Hold the card against the file, or ask its maker")


def _look_at_answers(vetting: _Vetting, told: list[Answered]) -> None:
    try:
        whole = joined([one.raw for one in told])
    except WorldError as error:
        vetting.findings.find("values", "blocking", error.reason, error.next_step)
        return
    if "outputs" not in vetting.findings.looked:  # the file did not tell them
        vetting.findings.unchecked.pop("outputs", None)
        check_outputs(list(whole), vetting.model.outputs, vetting.findings)
    check_the_values(whole, vetting.model.outputs, sum(len(one.x_NCL) for one in told), vetting.findings)


def _certificate(vetting: _Vetting) -> ParityCertificate:
    config = vetting.config
    found = vetting.comparison
    if vetting.reference is not None and not found.supplied:
        found = Comparison(supplied=True, left_out=["nothing could be compared: the model does not run"])
    return certificate(
        config.card,
        config.model.preprocessing,
        config.model.sha256,
        golden_sha256(vetting.golden),
        found,
        config.reference_sha256,
        config.tolerance,
    )


def _sensitivity(folder: RunFolder, vetting: _Vetting, events: EventWriter) -> Sensitivity | None:
    """Break contract items on the cohort's recordings, or on the golden ECGs where there is no cohort."""
    config, opened = vetting.config, None
    if not config.cohort:
        recordings = of_golden(vetting.golden)
        places = np.arange(len(recordings), dtype=np.intp)
    else:
        opened = open_labels(folder, config.labels) if config.labels else None
        recordings = _of_cohort(folder, config, opened)
        every = np.arange(len(recordings), dtype=np.intp) if opened is None else tested(opened).rows_N
        places = spread(every, config.most)
    with vetting.model.opened() as model:
        if not _bears_noise(vetting):
            return None
        pace = Pace(folder, events, "recordings", "breaking the contract", 0)
        bench = Bench(folder, model, recordings, config.batch_size, pace)
        return measure_sensitivity(config, bench, places, opened)


def _bears_noise(vetting: _Vetting) -> bool:
    """Whether it takes noise of an ECG's size, by which its batches and widths are found out before it is embedded."""
    try:
        return bool(vetting.model.layer_widths)
    except WorldError as error:
        if of_the_machine(error):
            raise
        vetting.findings.find("runs", "serious", f"it fails on noise of an ECG's size: {error.reason}", error.next_step)
        return False


def _of_cohort(folder: RunFolder, config: VetConfig, opened: Opened | None) -> Recordings:
    store = Store.open(Path(config.store))
    if opened is not None:
        return of_store(store, opened.record_ids, opened.patients, config.cohort)
    members = Manifest.read(folder.manifest_path)
    return of_store(store, [row.record_id for row in members], [row.patient for row in members], config.cohort)


def _keep(path: Path, told: list[Answered]) -> None:
    try:
        keep_answers(path, told)
    except OSError as error:
        raise disk_error(error, "numbers of the golden ECGs") from None


def _tell(events: EventWriter, stage: int) -> None:
    events.emit(Progress(done=stage, total=len(STAGES), unit="stages", message=STAGES[stage]))
