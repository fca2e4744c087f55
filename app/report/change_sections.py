"""The sections of a change record in their order: what changed, what was measured, what follows, who decides."""

from __future__ import annotations

from app.core.certificate import in_words
from app.core.words import counted
from app.governance.change_record import ChangeRecord, VersionSide
from app.report import style
from app.report.change_cited import Cited
from app.report.change_findings import contamination, decisions, improved, not_told, regressed, to_look_at
from app.report.record_parts import Drawing, Part, Rows, Section, Sentences
from app.report.version_figures import figures
from app.version_words import TESTED, flip_words, group_changes, measure, p_value, policy_title, verdict, whole_changes
from engine.contract.card import UNKNOWN
from engine.contract.version_change import Change, DriftTarget, LabelChange, PolicyChange, VersionResults

DRAFT = (
    "This is a draft that Isoline wrote from its records. Nothing in it is a verdict: a person reads it, corrects what "
    "is wrong, adds what is missing, decides, and signs. It brings evidence for research use and technical due "
    "diligence, and is neither a clinical validation nor an approval."
)


def sections(cited: Cited) -> list[Section]:
    """All of them but the annex."""
    return [
        changed(cited.record),
        in_short(cited),
        regressed(cited),
        improved(cited),
        not_told(cited),
        contamination(cited),
        *decisions(cited),
        measured(cited),
        at_thresholds(cited),
        to_look_at(cited),
    ]


def changed(record: ChangeRecord) -> Section:
    """Both versions, and their cards field by field."""
    facts = (("Product", _product), ("Version", lambda side: side.card.version), ("Evaluated by", _evaluated))
    rows = [("Name", record.old.name, record.new.name)]
    rows += [(name, told(record.old), told(record.new)) for name, told in facts]
    rows.append(("sha256", record.old.sha256, record.new.sha256))
    parts: list[Part] = [Rows("The two versions", ("", "Old version", "New version"), tuple(rows), (20, 40, 40))]
    if {record.old.card.product, record.new.card.product} == {""} or _product(record.old) != _product(record.new):
        parts.append(Sentences("The cards do not say that these are two versions of one product; people say so here."))
    if not record.card_changes:
        parts.append(Sentences("Their cards tell the same in every field."))
        return Section("What changed", tuple(parts))
    contract = [one for one in record.card_changes if one.of_contract]
    fields = tuple((one.title, one.old, one.new) for one in record.card_changes)
    parts.append(
        Rows(f"Their cards differ in {counted(len(fields), 'field')}", ("Field", "Old", "New"), fields, (24, 38, 38))
    )
    if contract:
        listed = ", ".join(one.title.lower() for one in contract)
        parts.append(Sentences(f"What the product must be fed changed: {listed}."))
    return Section("What changed", tuple(parts))


def in_short(cited: Cited) -> Section:
    """On whom and by what margin it was measured, the primary number, and the alerts on the day of the update."""
    record, results = cited.record, cited.record.results
    cohort = f"cohort '{record.cohort.name}' (split {results.split_id}, {results.split_kind})"
    many = f"{cited.number('records', f'{results.records:,}')} recordings"
    people = f"{cited.number('patients', f'{results.patients:,}')} patients"
    lead = (
        f"Both versions were evaluated on the same {many} of {people} of {cohort}, and held against each other there: "
        "differences are new minus old on the recordings that both put something out for, with intervals clustered by "
        f"patient. A loss of {results.margin:g} would be accepted, of the Brier score a rise of "
        f"{results.brier_margin:g}. "
        "The primary number is the macro AUROC; all others are explored, and their p values are corrected."
    )
    primary = cited.estimate("macro.difference", results.macro.difference, signed=True)
    parts: list[Part] = [Sentences(lead)]
    parts.append(Sentences(f"Macro AUROC, new minus old: {primary}: {verdict(results.macro)}. {_tally(results)}"))
    rows = tuple(row for n, label in enumerate(results.labels) for row in _alerts(cited, n, label))
    if rows:
        title = "Alerts per 100 recordings tested, on the day of the update and once its own threshold is set"
        heads = ("Label", "Old version", "New, old threshold kept", "New, its own threshold")
        parts.append(Rows(title, heads, rows, (16, 28, 28, 28)))
    drawn = {one.name: one for one in figures(results)}
    parts += [Drawing(drawn[name]) for name in ("version-alerts", "version-differences") if name in drawn]
    return Section("What was measured", tuple(parts))


def _tally(results: VersionResults) -> str:
    """How many numbers speak for and against."""
    told = [one.change.direction for one in whole_changes(results)]
    groups = [one.change.direction for one in group_changes(results)]
    return (
        f"Of {counted(len(told), 'number')} in all, the new version is shown to be worse in {told.count('worse'):,} "
        f"and better in {told.count('better'):,}; of {counted(len(groups), 'number')} within groups, "
        f"in {groups.count('worse'):,} and {groups.count('better'):,}."
    )


def _alerts(cited: Cited, n: int, label: LabelChange) -> list[tuple[str, ...]]:
    places = {one.name: (f"labels.{n}.policies.{p}", one) for p, one in enumerate(label.policies)}
    (own_place, own), (kept_place, kept) = places["own"], places["kept"]
    if own.not_estimable:
        return []
    after = kept.not_estimable or cited.per_hundred(f"{kept_place}.alerts_new", kept.alerts_new)
    sides = [cited.per_hundred(f"{own_place}.alerts_{name}", getattr(own, f"alerts_{name}")) for name in ("old", "new")]
    return [(label.label, sides[0], after, sides[1])]


def measured(cited: Cited) -> Section:
    """Ranks, probabilities, and how alike the versions answer."""
    results = cited.record.results
    rows = [_measure_row(cited, "All labels", "macro", results.macro)]
    for n, label in enumerate(results.labels):
        rows += [
            _measure_row(cited, label.label, f"labels.{n}.changes.{k}", one) for k, one in enumerate(label.changes)
        ]
    heads = ("Label", "Number", "Old", "New", "New minus old", "By the margin")
    parts: list[Part] = [Rows("Discrimination and Brier score", heads, tuple(rows), (11, 13, 21, 21, 21, 19))]
    agreement = [_agreement_row(cited, n, label) for n, label in enumerate(results.labels)]
    alike = (
        "Label",
        "Bias, new minus old",
        "Limits of agreement",
        "Correlation of ranks",
        "Without an output, old and new",
    )
    parts.append(Rows("How alike the versions answer", alike, tuple(agreement), (12, 24, 22, 22, 24)))
    return Section("Numbers that need no threshold", tuple(parts))


def at_thresholds(cited: Cited) -> Section:
    """Flips, rates and alerts, at each version's own threshold and at the old one kept."""
    lead = (
        "Each version has the threshold that was chosen for it on training patients. Where an update is installed and "
        "nobody touches the settings, the new version works at the old threshold: both are told."
    )
    parts: list[Part] = [Sentences(lead)]
    for n, label in enumerate(cited.record.results.labels):
        for p, policy in enumerate(label.policies):
            if not policy.not_estimable:
                parts += _policy(cited, f"labels.{n}.policies.{p}", label.label, policy)
        if label.drift:
            parts.append(_drift(cited, n, label))
    return Section("At thresholds", tuple(parts))


def _measure_row(cited: Cited, label: str, place: str, change: Change) -> tuple[str, ...]:
    sides = [cited.estimate(f"{place}.{name}", getattr(change, name)) for name in ("old", "new")]
    gap = cited.estimate(f"{place}.difference", change.difference, signed=True)
    return label, measure(change), *sides, gap, verdict(change)


def _agreement_row(cited: Cited, n: int, label: LabelChange) -> tuple[str, ...]:
    told, place = label.agreement, f"labels.{n}.agreement"
    output = " and ".join(
        cited.percent(f"labels.{n}.output.{name}", getattr(label.output, name)) for name in ("old", "new")
    )
    if not (told.mean_difference and told.lower_limit and told.upper_limit and told.spearman):
        return label.label, f"not estimable: {told.not_estimable}", "", "", output
    limits = [
        cited.number(f"{place}.{name}.value", f"{getattr(told, name).value:+.3f}")
        for name in ("lower_limit", "upper_limit")
    ]
    bias = cited.estimate(f"{place}.mean_difference", told.mean_difference, signed=True)
    return label.label, bias, " to ".join(limits), cited.estimate(f"{place}.spearman", told.spearman), output


def _policy(cited: Cited, place: str, label: str, policy: PolicyChange) -> list[Part]:
    rows = []
    for k, change in enumerate(policy.changes):
        rows.append(_measure_row(cited, label, f"{place}.changes.{k}", change)[1:])
    alerts = [
        cited.per_hundred(f"{place}.alerts_{name}", getattr(policy, f"alerts_{name}"), name == "difference")
        for name in ("old", "new", "difference")
    ]
    rows.append(("Alerts per 100 recordings", *alerts, ""))
    heads = ("Number", "Old", "New", "New minus old", "By the margin")
    title = f"{label}. {policy_title(policy)}"
    flips = "; ".join(f"{one.name}: {flip_words(one)}" for one in policy.flips if one.records)
    tests = []
    for k, test in enumerate(policy.tests):
        p = "not told" if test.p_clustered is None else p_value(test.p_clustered)
        told = p if test.p_clustered is None else cited.number(f"{place}.tests.{k}.p_clustered", p)
        exact = cited.number(f"{place}.tests.{k}.p_exact", p_value(test.p_exact))
        tests.append(f"{TESTED[test.name]}: p {told} over patients, {exact} by McNemar's exact test over recordings")
    words = f"Flips of {label}, {title.partition('. ')[2].lower()}. {flips[0].upper()}{flips[1:]}."
    disagreement = f"Whether flips go one way more than the other: {'; '.join(tests)}."
    return [Rows(title, heads, tuple(rows), (22, 21, 21, 22, 14)), Sentences(words), Sentences(disagreement)]


_SAME: dict[DriftTarget, str] = {
    "sensitivity": "finds as many",
    "specificity": "spares as many",
    "alert rate": "alerts as often",
}


def _drift(cited: Cited, n: int, label: LabelChange) -> Rows:
    rows = []
    for k, one in enumerate(label.drift):
        place = f"labels.{n}.drift.{k}"
        old = (
            "each fold's own"
            if one.old_threshold is None
            else cited.number(f"{place}.old_threshold", f"{one.old_threshold:.4g}")
        )
        there = [
            "" if value is None else cited.number(f"{place}.{name}", f"{value:.{places}f}")
            for name, value, places in (
                ("sensitivity", one.sensitivity, 3),
                ("specificity", one.specificity, 3),
                ("alerts_per_100", one.alerts_per_100, 1),
            )
        ]
        rows.append((_SAME[one.name], old, cited.threshold(f"{place}.threshold", one.threshold), *there))
    title = (
        f"{label.label}. Threshold on the new scores that does what the old version did here: read off, not to adopt"
    )
    heads = ("The new version", "Old threshold", "On the new scores", "Sensitivity", "Specificity", "Alerts per 100")
    return Rows(title, heads, tuple(rows), (18, 16, 28, 14, 14, 14))


def _product(side: VersionSide) -> str:
    return side.card.product or UNKNOWN


def _evaluated(side: VersionSide) -> str:
    return f"{side.evaluation_job} ({side.mode})"


def _selftest(record: ChangeRecord) -> str:
    """What this installation's statistics are worth, with the hash of the values that they were held against."""
    if record.certificate is None:
        return f"could not be run ({record.untested}): nothing vouches for the figures here"
    return f"{in_words(record.certificate)}; sha256 of the reference values {record.certificate.references_sha256}"


def annex(cited: Cited, digest: str) -> list[Section]:
    """Runs, hashes, and the evidence that was cited."""
    record = cited.record
    runs = tuple(
        (run.job_id, run.kind, f"config {run.config_sha256}, results {run.results_sha256}") for run in record.runs
    )
    facts = (
        ("sha256 of the evidence", digest),
        ("Workspace", record.workspace_id),
        ("Version regression", record.job_id),
        ("sha256 of the test part", record.results.test_sha256),
        ("Seed and resamples", f"{record.results.seed}, {record.results.resamples:,}"),
        ("Audit trail", f"{record.audit_seq:,} is the last event before this export, its hash {record.audit_head}"),
        ("Self-test of the statistics", _selftest(record)),
        ("Software", ", ".join(f"{name} {version}" for name, version in sorted(record.versions.items()))),
    )
    rows = tuple(
        (one.id, one.job_id, one.path, "none" if one.value is None else style.decimal(one.value, 6))
        for one in record.evidence
        if one.id in cited.ledger.cited
    )
    return [
        Section(
            "Provenance",
            (
                Rows("What ties this record to the workspace", ("", ""), facts, (24, 76)),
                Rows(
                    "Runs, by hash of what was asked and of what came out",
                    ("Run", "Kind", "sha256"),
                    runs,
                    (10, 14, 76),
                ),
            ),
        ),
        Section(
            "Evidence",
            (
                Sentences("Id of every number above, the run and the place in its results, and its value."),
                Rows("Evidence", ("Id", "Run", "Place in its results", "Value"), rows, (12, 10, 62, 16)),
            ),
            columns=True,
        ),
    ]
