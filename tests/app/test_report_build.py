import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pdf_text import page_texts
from pypdf import PdfReader
from report_factory import NAMES, Facts, estimate, evidence_of, make_dossier, results_of, signal_view

from app.core.rows import Exposure, LabelSummary, LeakSearch, LeakState
from app.governance.claims import told
from app.governance.dossier import Dossier, LeaksSection
from app.governance.leaks import claims_of_leaks, limits_of_leaks
from app.report import style
from app.report.build import build_report, render
from app.report.evidence import ATTACHMENT, Ledger
from app.report.further import further_differences
from app.report.tables import Context
from engine.contract.errors import WorldError
from engine.contract.results import Estimate, LabelResult

NOT_ESTIMABLE = "all 12 scored recordings are negative"


def pages_of(dossier: Dossier) -> list[str]:
    return page_texts(render(dossier))


@pytest.fixture(scope="module")
def odd_pages() -> list[str]:
    """Pages of a dossier with labels and a macro that cannot be estimated, unknown labels, and far too long a text."""
    none = Estimate(not_estimable=NOT_ESTIMABLE, records=12, patients=12, positive_records=0)
    bare = estimate(0.7, 30).model_copy(
        update={"interval": None, "beside": None, "not_estimable": "fewer than 2 positive patients"}
    )
    labels = [LabelResult(label="HYP", auroc=none), LabelResult(label="MI", auroc=bare)]
    gone = Estimate(not_estimable="no label can be estimated")
    whole = make_dossier(evaluations={0: {"labels": labels}, 1: {"macro": gone}})
    data = replace(whole.data, labels=(LabelSummary("RARE", 3, 41, 987, 3, 40),))
    first = whole.models[0]
    card = first.card.model_copy(update={"intended_use": "For adults in the emergency room. " * 400})
    models = (replace(first, card=card), *whole.models[1:])
    return pages_of(make_dossier(evaluations={0: {"labels": labels}, 1: {"macro": gone}}, data=data, models=models))


def test_the_footer_with_its_caution_and_page_number_stands_on_every_page(pages: list[str]) -> None:
    for number, text in enumerate(pages, start=1):
        assert style.FOOTER in text
        assert f"page {number} of {len(pages)}" in text
        assert re.search(r"evidence [0-9a-f]{12}", text)


def test_a_case_of_four_models_and_five_labels_takes_about_a_dozen_pages(pages: list[str]) -> None:
    assert 9 <= len(pages) <= 14


def test_the_report_never_claims_compliance_or_clinical_validation(pages: list[str]) -> None:
    text = " ".join(pages).lower()
    assert "compliant" not in text
    assert "clinically validated" not in text


def test_the_first_page_names_title_findings_models_and_leaves_the_decision_to_the_committee(
    dossier: Dossier, pages: list[str]
) -> None:
    first = re.sub(r"\s+", " ", pages[0])
    for needle in (dossier.title, *dossier.claims, *NAMES, "22 November 2026, 14:03 UTC", "approve with conditions"):
        assert needle in first


def test_contents_name_the_page_on_which_each_section_begins(pages: list[str]) -> None:
    for title in ("The models", "Paired differences", "The local data", "Limits", "Provenance", "Evidence"):
        found = re.search(rf"{title}\s*(\d+)", pages[0])
        assert found is not None, title
        assert title in pages[int(found.group(1)) - 1]


def test_every_estimate_is_printed_with_three_decimals_and_its_interval(dossier: Dossier, pages: list[str]) -> None:
    text = re.sub(r"\s+", " ", " ".join(pages).replace("\u00a0", " "))
    for model in dossier.models:
        for result in model.evaluation.labels:
            one = result.auroc
            assert one.interval is not None
            assert f"{one.value:.3f}" in text
            assert f"{one.interval.low:.3f} to {one.interval.high:.3f}" in text


def test_negative_differences_carry_a_true_minus_and_positive_ones_a_plus(dossier: Dossier, pages: list[str]) -> None:
    text = re.sub(r"\s+", " ", " ".join(pages))
    for one in dossier.comparison.differences:
        assert one.estimate.value is not None
        sign = "−" if one.estimate.value < 0 else "+"
        assert f"{sign}{abs(one.estimate.value):.3f}" in text


def test_further_differences_are_printed_with_their_corrected_p_values(pages: list[str]) -> None:
    text = " ".join(" ".join(page.split()) for page in pages)
    assert "By other measures" in text
    assert "Brier (less is better)" in text
    assert "p: corrected for the number of comparisons (Benjamini-Hochberg)" in text
    assert text.count("< 0.001") == 2
    assert text.count("0.201") == text.count("0.401") == 2


def test_of_many_further_differences_those_that_show_something_are_printed(dossier: Dossier) -> None:
    (first, second, *_) = dossier.comparison.further
    labels = [f"L{k}" for k in range(70)]
    many = [one.model_copy(update={"label": label}) for label in labels for one in (first, second)]
    many_told = replace(dossier, comparison=dossier.comparison.model_copy(update={"further": many}))
    context = Context(Ledger(evidence_of(results_of(many_told)), results_of(many_told)), "")
    _title, _room, caption, body = further_differences(many_told, context)
    assert "70 differences that show nothing" in caption.text
    assert len(body._cellvalues) == 2 + 70


def test_methods_of_both_intervals_are_named(pages: list[str]) -> None:
    text = re.sub(r"\s+", " ", " ".join(pages))
    assert "clustered analytic (Obuchowski 1997), logit" in text
    assert "patient-clustered bootstrap, 2,000 resamples, logit percentile" in text


def test_every_evidence_id_on_a_page_stands_in_the_annex_with_run_path_and_value(
    dossier: Dossier, pages: list[str]
) -> None:
    start = next(k for k, text in enumerate(pages) if text.count("interval.low") > 3)
    annex = re.sub(r"\s+", "", "".join(pages[start:]))
    ids = set(re.findall(r"E\d{4}", "".join(pages[:start])))
    rows = [row for row in dossier.evidence if row.id in ids]
    assert len(rows) == len(ids) > 80
    entries = annex_entries(annex)
    for row in rows:
        assert entries[row.id] == (row.job_id, row.path, style.decimal(row.value or 0.0, 6))


def annex_entries(annex: str) -> dict[str, tuple[str, str, str]]:
    """By id: run, path and value, as the annex prints them; blanks are lost in a PDF's text."""
    found = {}
    run, stem = "", ""
    for part in re.split(r"(?=J\d{4})|(?=E\d{4})", annex):
        if part.startswith("J"):
            run, stem = part[:5], part[5:]
        elif match := re.match(r"(E\d{4})([^:]*):(.*?\.\d{6}|none)", part):
            found[match[1]] = (run, f"{stem}.{match[2]}" if stem else match[2], match[3])
    return found


def test_every_figure_of_an_estimate_carries_an_evidence_id(dossier: Dossier, pages: list[str]) -> None:
    """The id range behind an estimate spans value and both intervals."""
    text = "".join(pages)
    for model in dossier.models:
        first = next(r.id for r in dossier.evidence if (r.job_id, r.path) == (model.evaluation_job, "macro.value"))
        last = next(r.id for r in dossier.evidence if (r.job_id, r.path) == (model.evaluation_job, "macro.beside.high"))
        assert text.count(f"{first}–{last}") >= 2


def test_a_number_without_evidence_stops_the_report() -> None:
    whole = make_dossier()
    lacking = make_dossier(evidence=whole.evidence[1:])
    with pytest.raises(KeyError, match="without evidence"):
        render(lacking)


def test_hashes_seed_versions_and_chain_head_stand_in_the_annex(dossier: Dossier, pages: list[str]) -> None:
    text = " ".join(pages)
    hashes = [h for run in dossier.runs for h in (run.config_sha256, run.results_sha256)]
    hashes += [model.sha256 for model in dossier.models]
    hashes += [dossier.audit_head, dossier.cohort.split_sha256, dossier.comparison.test_sha256]
    assert [h for h in hashes if h not in text] == []
    assert "2.13.0+cpu" in text


def test_supplied_scores_get_a_section_that_names_what_cannot_be_known(pages: list[str]) -> None:
    text = re.sub(r"\s+", " ", " ".join(pages))
    assert f"Scores alone: {NAMES[3]}" in text
    assert "What cannot be known from scores alone" in text
    assert "Whether these patients or recordings were part of its training cannot be checked" in text


def test_the_same_dossier_gives_the_same_bytes(dossier: Dossier, report: Path) -> None:
    assert render(dossier) == report.read_bytes()


def test_another_process_gives_the_same_bytes(report: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from report_factory import make_dossier;"
        "from app.report.build import build_report; build_report(make_dossier(), Path(sys.argv[1]))"
    )
    other = tmp_path / "other.pdf"
    here = Path(__file__).parent
    subprocess.run([sys.executable, "-c", code, str(other)], cwd=here, check=True, env={"PYTHONHASHSEED": "7"})
    assert other.read_bytes() == report.read_bytes()


def test_all_fonts_are_shipped_ones_and_embedded(report: Path) -> None:
    for page in PdfReader(report).pages:
        for font in page["/Resources"]["/Font"].values():
            described = font.get_object()
            assert "NotoSans" in described["/BaseFont"]
            assert "/FontFile2" in described["/FontDescriptor"]


def test_title_language_and_dates_come_from_the_dossier(report: Path, dossier: Dossier) -> None:
    reader = PdfReader(report)
    assert reader.metadata is not None
    assert reader.metadata.title == dossier.title
    assert reader.metadata["/CreationDate"] == "D:20261122140311Z"
    assert reader.trailer["/Root"]["/Lang"] == "en-GB"


def test_the_attachment_is_the_only_one_and_the_outline_has_every_section(report: Path) -> None:
    reader = PdfReader(report)
    assert list(reader.attachments) == [ATTACHMENT]
    assert [entry["/Title"].split()[0] for entry in reader.outline] == [*"123456789", "10", "A", "B", "C"]


def test_the_section_on_leaks_says_what_was_searched_and_what_nobody_knows(pages: list[str]) -> None:
    text = re.sub(r"\s+", " ", " ".join(pages))
    assert "Between the parts nothing found" in text
    assert re.search(r"Compared 155 recordings E\d+, each with each", text)
    assert "Against PTB-XL nothing found (21,799 recordings, 22 November 2026, 14:01 UTC)" in text
    assert "was pretrained on 155 of the 155 scored recordings" in text
    assert "was trained on is not known" in text
    assert "NORM does not repeat the cart's statement" in text


def test_a_cohort_that_was_not_searched_or_leaks_says_so_in_the_dossier() -> None:
    never = LeaksSection(LeakState("demo", "not searched", "not searched for copies"))
    text = re.sub(r"\s+", " ", " ".join(pages_of(make_dossier(leaks=never))))
    assert "Between the parts not searched for copies" in text
    assert next(iter(claims_of_leaks(never))).startswith("Nobody has searched")
    assert "would go unseen" in next(iter(limits_of_leaks(never)))
    found = tuple(f"{n} recordings of test have changed copies in train" for n in (2, 3, 4))
    search = LeakSearch("", "J0008", "2026-11-22T14:01:00Z", 155, 1, 9, found)
    leaking = LeaksSection(
        LeakState("demo", "leaks", "", "J0008", (search,)), (Exposure("m", "x", ("'m' is of PTB-XL",)),)
    )
    assert next(iter(claims_of_leaks(leaking))).endswith("; and 1 more of the kind. The figures are too good.")
    limits = [*limits_of_leaks(leaking)]
    assert found[2] in limits[0]
    assert limits[1].startswith("1 recording could not be compared")
    assert limits[2] == "'m' is of PTB-XL: its figures may be better than on new recordings."


def test_what_is_not_estimable_prints_its_reason_and_no_number(odd_pages: list[str]) -> None:
    text = re.sub(r"\s+", " ", " ".join(odd_pages))
    assert f"not estimable: {NOT_ESTIMABLE}" in text
    assert "no interval: fewer than 2 positive patients" in text
    assert "12 recordings of 12 patients; 0 positive" in text


def test_a_macro_that_is_not_estimable_leaves_no_hole_on_the_first_page(odd_pages: list[str]) -> None:
    assert "no label can be estimated" in re.sub(r"\s+", " ", odd_pages[0])


@pytest.mark.parametrize(("count", "depth"), [(9, 5), pytest.param(30, 13, marks=pytest.mark.slow)])
def test_many_labels_and_very_long_names_do_not_break_the_layout(count: int, depth: int) -> None:
    labels = {f"a rather long label name number {k:02d} with a slash/in it": 20 + k for k in range(count)}
    names = tuple(f"{letter}{'verylongmodelname' * 3}-{letter * 5}" for letter in "abcd")
    layers = [f"transformer block number {k}" for k in range(depth)]
    texts = pages_of(make_dossier(names=names, labels=labels, layers=layers))
    flat = re.sub(r"\s+", "", "".join(texts))
    assert all(re.sub(r"\s+", "", label) in flat for label in labels)
    assert all(style.FOOTER in text for text in texts)
    assert min(len(text) for text in texts) > 400


def test_characters_outside_the_fonts_and_markup_in_names_print_as_what_they_are() -> None:
    names = ("<b>bold & brave</b>", "心电图 model", "é ≥ 2 → µV", "a\x00b\u202ec")
    text = re.sub(r"\s+", " ", " ".join(pages_of(make_dossier(names=names))))
    assert "<b>bold & brave</b>" in text
    assert "[U+5FC3][U+7535][U+56FE] model" in text
    assert "é ≥ 2 → µV" in text
    assert "a b c" in text


def test_a_dossier_without_pretraining_cka_example_or_labels_still_prints() -> None:
    whole = make_dossier()
    comparison = whole.comparison.model_copy(update={"cka": [], "differences": []})
    data = type(whole.data)(**{**vars(whole.data), "labels": (), "age_median": None})
    texts = pages_of(make_dossier(comparison=comparison, pretrainings=(), example=None, data=data))
    assert "No label is known" in " ".join(texts)
    assert len(texts) >= 5


def test_unknown_labels_are_counted_apart_from_negative_ones(odd_pages: list[str]) -> None:
    assert re.search(r"RARE\s+3\s+41\s+987\s+3\s+40", " ".join(odd_pages))


def test_a_folder_that_cannot_be_written_is_the_worlds_fault_and_leaves_nothing(
    dossier: Dossier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.report.build.render", lambda dossier: b"%PDF-")
    with pytest.raises(WorldError, match="cannot be written"):
        build_report(dossier, tmp_path / "nowhere" / "report.pdf")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_report_survives_when_the_new_one_cannot_be_made(tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(b"old")
    with pytest.raises(KeyError):
        build_report(make_dossier(evidence=()), path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.pdf"]


def test_no_file_name_of_a_recording_reaches_the_report(pages: list[str]) -> None:
    assert signal_view().record_id in " ".join(pages)
    assert not re.search(r"\d{5}_hr|\.dat|\.hea", " ".join(pages))


def test_facts_of_the_factory_hold_every_run(dossier: Dossier) -> None:
    assert all(Facts(dossier).run(run.job_id) is not None for run in dossier.runs)


def test_a_text_of_thousands_of_characters_is_cut_and_says_so(odd_pages: list[str]) -> None:
    assert "(cut here, 13,600 characters)" in re.sub(r"\s+", " ", " ".join(odd_pages))


def test_figures_in_the_findings_carry_the_evidence_of_their_own_model() -> None:
    whole = make_dossier()
    macro = whole.models[0].evaluation.macro
    same = make_dossier(evaluations={1: {"macro": macro}})
    claims = tuple(f"'{model.card.name}': macro AUROC {told(macro)}." for model in same.models[:2])
    first = re.sub(r"\s+", "", pages_of(make_dossier(evaluations={1: {"macro": macro}}, claims=claims))[0])
    for model in same.models[:2]:
        path = (model.evaluation_job, "macro.value")
        start = next(row.id for row in same.evidence if (row.job_id, row.path) == path)
        assert re.sub(r"\s+", "", f"{model.card.name}': macro AUROC {told(macro)}{start}–") in first
