"""The dossier's section on external models against their cards, and what vettings say among the limits."""

from dataclasses import replace

import pytest
from pdf_text import page_texts
from report_factory import evidence_of, make_dossier, results_of, sha
from reportlab.platypus import KeepTogether, Paragraph, Table
from vetting_results import results

from app.governance.dossier import ModelSection, RunProvenance, VettingSection
from app.governance.vettings import limits_of_vettings
from app.report.build import render
from app.report.contract import contract
from app.report.evidence import Ledger
from app.report.tables import Context

JOB = "J0009"


def with_vetting(found=None, current=True):
    """The dossier of the factory with an external model in second place."""
    plain = make_dossier()
    own = plain.models[1]
    vendor = ModelSection(
        own.card.model_copy(update={"source": "external"}), own.sha256, own.evaluation_job, own.evaluation
    )
    vettings = () if found is None else (VettingSection(vendor.card.name, JOB, found, current),)
    kept = {JOB: found.model_dump(mode="json")} if found is not None else {}
    changed = replace(
        plain,
        models=(plain.models[0], vendor, *plain.models[2:]),
        vettings=vettings,
        runs=(*plain.runs, RunProvenance(JOB, "vet", sha(70), sha(71), 0, {})),
    )
    return replace(changed, evidence=evidence_of(results_of(changed) | kept))


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    path = tmp_path_factory.mktemp("contract") / "report.pdf"
    path.write_bytes(render(with_vetting(results("a" * 64))))
    return " ".join(" ".join(page_texts(path)).split())


def test_a_vetted_model_has_its_findings_its_parity_and_the_dangerous_item_first(told):
    assert "Contract and parity" in told
    assert "not met: on golden ECGs this program does not give the maker's numbers" in told
    assert "largest difference 0.3" in told
    assert "Licence and permitted use" in told
    assert told.index("Polarity inverted") < told.index("Arms exchanged")
    assert "works, only worse" in told


def test_what_was_not_tried_is_not_in_the_table(told):
    assert "Not clipped" not in told


def words(parts):
    """All words of flowables, without typesetting them."""
    for part in parts:
        if isinstance(part, Paragraph):
            yield part.getPlainText()
        elif isinstance(part, Table):
            yield from words(cell for row in part._cellvalues for cell in row)
        elif isinstance(part, KeepTogether):
            yield from words(part._content)


def section_of(dossier):
    kept = {job: one.model_dump(mode="json") for vetting in dossier.vettings for job, one in vetting.runs.items()}
    ledger = Ledger(evidence_of(kept), kept)
    return " ".join(" ".join(words(contract(dossier, Context(ledger, "")))).split())


def test_a_model_that_nobody_vetted_is_named():
    assert "Not vetted: 'random S4'." in section_of(with_vetting())


def test_a_dossier_without_external_models_has_no_such_section(pages):
    assert not any("Contract and parity" in page for page in pages)


def test_a_certificate_of_an_earlier_run_is_cited_from_that_run():
    dossier = with_vetting(results("a" * 64, "no reference supplied"))
    section = replace(dossier.vettings[0], certified_by="J0008x", certified=results("a" * 64))
    told = section_of(replace(dossier, vettings=(section,)))
    assert "Parity measured run J0008x" in told
    assert "largest difference 0.3" in told


def limits(found=None, current=True):
    dossier = with_vetting(found, current)
    return " ".join(limits_of_vettings(dossier.models, dossier.vettings))


def test_limits_say_what_nobody_has_looked_at():
    assert "was not held against its card" in limits()
    assert "has supplied no outputs to compare with" in limits(results("a" * 64, "no reference supplied"))


def test_limits_name_what_stands_against_the_figures():
    told = limits(results("a" * 64), current=False)
    assert "does not give the numbers of the maker" in told
    assert "plausible answers that are worse, without a sign of it, when it is fed wrongly: polarity inverted." in told
    assert "was changed after it was vetted" in told


def test_a_maker_whose_numbers_are_met_leaves_no_limit_of_parity():
    told = limits(results("a" * 64, "met"))
    assert "maker" not in told
