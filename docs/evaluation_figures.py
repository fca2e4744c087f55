"""The figures of docs/evaluation.md, drawn by the report's own code from the runs of docs/evaluation.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from app.report.compared_curves import few_labels_of_models
from app.report.compared_layers import cka_map, layer_profile
from app.report.compared_stress import stress_of_models
from app.report.figure import Figure
from app.report.study_figures import figures as study_figures
from app.report.svg import svg_text
from engine.contract.config import StudyConfig
from engine.contract.results import AnyResults, CompareResults, EvaluateResults, StressResults, StudyResults
from engine.contract.run import RunFolder

SHOWN = ("cpc-s4", "jepa-s4", "hubert-s4", "cpc-net1d", "cpc-transformer", "random-s4")
"""Those that are drawn: more in one plot nobody can tell apart. The tables have all."""
MAPPED = ("cpc-s4", "random-s4", "jepa-net1d", "cpc-transformer")
"""Models whose layers are mapped against those of the model examined."""
TASKS = ("ptbxl", "ludb")
ORDER = {name: place for place, name in enumerate(SHOWN)}


def write_figures(told: Mapping[str, AnyResults], folder: Path, place: Path) -> dict[str, str]:
    """Write every figure of the runs in a folder as SVG; gives back, by name, what each shows."""
    place.mkdir(parents=True, exist_ok=True)
    shown = {}
    for name, figure in [*figures(told), *_scaling(told, folder)]:
        (place / f"{name}.svg").write_text(svg_text(figure.drawing, figure.title, figure.told), encoding="utf-8")
        shown[name] = figure.told
    return shown


def figures(told: Mapping[str, AnyResults]) -> Iterator[tuple[str, Figure]]:
    """Few-label curves and stress curves of each test, layers on PTB-XL's."""
    for task in TASKS:
        curves = [_named(told.get(f"{task}-{name}-linear"), name) for name in SHOWN]
        few = few_labels_of_models([one for one in curves if one is not None], ORDER)
        benches = {name: told.get(f"{task}-{name}-stress") for name in SHOWN}
        stress = stress_of_models({name: one for name, one in benches.items() if isinstance(one, StressResults)}, ORDER)
        yield from ((f"{task}-{one.name}", one) for one in (few, stress) if one is not None)
    yield from _layers(told)


def _layers(told: Mapping[str, AnyResults]) -> Iterator[tuple[str, Figure]]:
    tested = {name: one for name, one in told.items() if name.startswith(TASKS[0])}
    found = [one for one in tested.values() if isinstance(one, CompareResults) and one.cka]
    if not found:
        return
    maps = max(found, key=lambda one: len(one.cka)).cka
    for one in maps:
        if one.columns in MAPPED:
            figure = cka_map(one)
            yield f"ptbxl-{figure.name}", figure
    profile = layer_profile([one for one in maps if one.columns in SHOWN], ORDER)
    if profile is not None:
        yield f"ptbxl-{profile.name}", profile


def _scaling(told: Mapping[str, AnyResults], folder: Path) -> Iterator[tuple[str, Figure]]:
    """Loss and residual error of the probe over the nested pools."""
    study = told.get("scaling")
    config = RunFolder(folder / "scaling").config() if isinstance(study, StudyResults) else None
    if isinstance(study, StudyResults) and isinstance(config, StudyConfig):
        yield from ((f"scaling-{one.name}", one) for one in study_figures(study, config) if "-by-records" in one.name)


def _named(results: AnyResults | None, name: str) -> EvaluateResults | None:
    return results.model_copy(update={"model": name}) if isinstance(results, EvaluateResults) else None
