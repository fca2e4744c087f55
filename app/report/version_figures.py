"""The figures of a version regression: paired differences, alerts before and after, what flips where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.report.figure import Figure
from app.report.figure_numbers import ESTIMATE_HEADS, cells, csv_text
from app.report.flip_drawing import FlipDrawing
from app.report.forest import ForestAxis, ForestPlot, ForestRow
from app.report.grid import Grid
from app.version_words import SHORT_POLICIES, Told, group_changes, measure, policy_title, whole_changes
from engine.contract.version_change import Flips, LabelChange, Policy, VersionResults

COLUMNS = 2
ALL_LABELS = "All labels"


def figures(results: VersionResults) -> list[Figure]:
    """All figures that the results allow."""
    return [
        *_differences(results),
        *_brier(results),
        *_groups(results),
        *_alerts(results),
        *(one for policy in ("own", "kept") for one in _flips(results, policy)),
    ]


def overview(results: VersionResults) -> Figure | None:
    """What a run's view shows at once, one below the other: differences, alerts, flips at the old threshold.

    None where nothing can be drawn.
    """
    drawn = {one.name: one for one in figures(results)}
    shown = [drawn[name] for name in _AT_ONCE if name in drawn]
    shown += [drawn["version-flips-own"]] if "version-flips-own" in drawn and "version-flips-kept" not in drawn else []
    told = " ".join(one.told for one in shown)
    return Figure("version", "Old and new version", told, Grid([one.drawing for one in shown], 1)) if shown else None


_AT_ONCE = ("version-differences", "version-alerts", "version-flips-kept")


def _differences(results: VersionResults) -> Iterator[Figure]:
    told = [one for one in whole_changes(results) if one.change.name != "Brier"]
    words = (
        f"'{results.new}' minus '{results.old}', on the same patients. Right of the line the new version is better; an "
        f"interval across it leaves open whether anything changed. A loss of {results.margin:g} would be accepted."
    )
    axis = ForestAxis("What the new version changes", "new minus old", 0.0, signed=True)
    yield _forest("version-differences", "Paired differences", words, axis, told)


def _brier(results: VersionResults) -> Iterator[Figure]:
    told = [one for one in whole_changes(results) if one.change.name == "Brier"]
    if told:
        words = f"Brier score of '{results.new}' minus that of '{results.old}'. Less is better: left of the line."
        axis = ForestAxis("What the new version changes", "Brier score, new minus old", 0.0, signed=True)
        yield _forest("version-brier", "Brier score", words, axis, told)


def _groups(results: VersionResults) -> Iterator[Figure]:
    told = [one for one in group_changes(results) if one.change.name == "AUROC"]
    if told:
        words = (
            f"AUROC of '{results.new}' minus that of '{results.old}' within each group. Groups with too few patients "
            "of a class are not drawn; the table of numbers names them."
        )
        axis = ForestAxis("Within groups", "AUROC, new minus old", 0.0, signed=True)
        yield _forest("version-groups", "AUROC within groups", words, axis, told)


def _alerts(results: VersionResults) -> Iterator[Figure]:
    rows = [row for label in results.labels for row in _alert_rows(label)]
    if rows:
        words = (
            "Alerts per 100 recordings tested: of the old version, of the new one where the old threshold is kept, and "
            "of the new one at its own threshold. A recording without an output raises none."
        )
        axis = ForestAxis("Alerts before and after", "per 100 recordings", 0.0, places=1)
        numbers = csv_text(("label", "version", *ESTIMATE_HEADS), [(r.group, r.name, *cells(r.estimate)) for r in rows])
        yield Figure("version-alerts", "Alerts before and after", words, ForestPlot(axis, rows), numbers)


def _alert_rows(label: LabelChange) -> Iterator[ForestRow]:
    policies = {one.name: one for one in label.policies if not one.not_estimable}
    if "own" in policies and (old := policies["own"].alerts_old):
        yield ForestRow("old version", old, label.label, 0)
    for series, name in enumerate(("kept", "own"), 1):
        if name in policies and (new := policies[name].alerts_new):
            yield ForestRow(f"new, {_WITH[name]}", new, label.label, series)


_WITH = {"kept": "old threshold kept", "own": "its own threshold"}


def _flips(results: VersionResults, policy: Policy) -> Iterator[Figure]:
    width = Grid.cell_width(COLUMNS)
    drawn: list[FlipDrawing] = []
    rows: list[tuple[object, ...]] = []
    for label in results.labels:
        for one in _told_flips(label, policy):
            rows.append((label.label, *one.model_dump().values()))
            if one.name != "label unknown":
                drawn.append(FlipDrawing(f"{label.label}, {one.name}", one, width))
    if not drawn:
        return
    title = policy_title(next(one for label in results.labels for one in label.policies if one.name == policy))
    words = (
        f"{title}: what each recording was called by '{results.old}' (left) and by '{results.new}' (right). Grey: "
        "called alike. Orange: newly wrong. Green: mended. Dark: an output that is lost or new."
    )
    numbers = csv_text(("label", *Flips.model_fields), rows)
    yield Figure(f"version-flips-{policy}", f"Flips, {SHORT_POLICIES[policy]}", words, Grid(drawn, COLUMNS), numbers)


def _told_flips(label: LabelChange, policy: Policy) -> list[Flips]:
    return [one for told in label.policies if told.name == policy for one in told.flips if one.records]


def _forest(name: str, title: str, words: str, axis: ForestAxis, told: Sequence[Told]) -> Figure:
    rows = [ForestRow(_row_name(one), one.change.difference, one.label or ALL_LABELS) for one in told]
    tests = [(one.change.p_value, one.change.adjusted_p, one.change.correction, one.change.verdict) for one in told]
    heads = ("label", "number", *ESTIMATE_HEADS, "p_value", "adjusted_p", "correction", "verdict")
    numbers = [(row.group, row.name, *cells(row.estimate), *test) for row, test in zip(rows, tests, strict=True)]
    return Figure(name, title, words, ForestPlot(axis, rows), csv_text(heads, numbers))


def _row_name(told: Told) -> str:
    name = measure(told.change)
    return f"{name}, {told.where}" if told.where else name
