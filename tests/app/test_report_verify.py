import hashlib
import io
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter
from report_factory import Facts, certificate, sha
from reportlab.pdfgen.canvas import Canvas

from app.core.rows import AuditVerdict, Check, Verification
from app.governance.dossier import Dossier, Evidence
from app.report.evidence import ATTACHMENT, Ledger, digest, evidence_document, path_steps, value_at
from app.report.verify import _Opened, _selftest_check, read_evidence, verify
from engine.contract.errors import WorldError
from engine.contract.selftest import Certificate


@pytest.fixture
def facts(dossier: Dossier, report: Path) -> Facts:
    return Facts(dossier, hashlib.sha256(report.read_bytes()).hexdigest())


def wrong(verification: Verification) -> list[Check]:
    return [check for check in verification.checks if not check.ok]


def test_an_untouched_report_matches_its_workspace_in_every_line(report: Path, facts: Facts) -> None:
    verification = verify(report, facts)
    assert wrong(verification) == []
    assert verification.ok
    assert verification.file == "report.pdf"


def test_the_evidence_inside_is_the_canonical_document_of_the_dossier(report: Path, dossier: Dossier) -> None:
    evidence = read_evidence(report)
    assert evidence["workspace_id"] == dossier.workspace_id
    assert evidence["audit"] == {"seq": dossier.audit_seq, "head": dossier.audit_head}
    assert len(evidence["evidence"]) == len(dossier.evidence)
    assert digest(evidence_document(dossier)) == digest(PdfReader(report).attachments[ATTACHMENT][0])


def test_a_number_changed_in_the_database_is_found_and_named(report: Path, facts: Facts) -> None:
    run = facts.runs["J0003"]
    run.results["macro"]["value"] += 0.001
    found = wrong(verify(report, facts))
    assert [check.what for check in found] == ["evidence E0001", "evidence numbers"]
    assert "J0003 macro.value" in found[0].found


def test_the_certificate_of_the_self_test_has_a_line_of_its_own(report: Path, facts: Facts) -> None:
    (line,) = [check for check in verify(report, facts).checks if check.what == "self-test certificate"]
    assert line.ok
    assert line.found == "45 numbers right, as printed and as in the evidence, by the dossier's Isoline 0.1.0"


@pytest.mark.parametrize(
    ("told", "made_with", "printed", "why"),
    [
        (None, "0.1.0", True, "carries none"),
        (certificate(wrong=2), "0.1.0", True, "2 of 45 numbers were wrong"),
        (certificate(), "0.2.0", True, "it tested Isoline 0.1.0, the dossier is of 0.2.0"),
        (certificate(), "0.1.0", False, "the pages print another one"),
    ],
)
def test_a_certificate_that_is_missing_wrong_or_of_another_version_is_found(
    told: Certificate | None, made_with: str, printed: bool, why: str
) -> None:
    evidence = {"versions": {"isoline": made_with}, "selftest": told and told.model_dump(mode="json")}
    line = _selftest_check(_Opened("", "", b"", printed=True, tested=printed), evidence)
    assert not line.ok
    assert why in line.found


def test_changed_results_and_config_are_found(report: Path, facts: Facts) -> None:
    facts.runs["J0004"] = replace(facts.runs["J0004"], results_sha256=sha(500))
    facts.runs["J0005"] = replace(facts.runs["J0005"], config_file_sha256=sha(501))
    found = wrong(verify(report, facts))
    assert [check.what for check in found] == ["run J0004 (evaluate)", "run J0005 (evaluate)"]
    assert "results in the database" in found[0].found
    assert sha(501) in found[1].found


def test_a_run_folder_that_is_gone_is_told_but_no_fault(report: Path, facts: Facts) -> None:
    facts.runs["J0001"] = replace(facts.runs["J0001"], config_file_sha256=None, results_file_sha256=None)
    verification = verify(report, facts)
    assert verification.ok
    line = next(check for check in verification.checks if check.what == "run J0001 (import)")
    assert "no longer there: config.json, results.json" in line.found


def test_a_run_that_the_workspace_lost_is_found(report: Path, facts: Facts) -> None:
    del facts.runs["J0006"]
    found = [check.what for check in wrong(verify(report, facts))]
    assert found[0] == "run J0006 (evaluate)"
    assert found[-1] == "evidence numbers"


def test_changed_or_lost_weights_are_found(report: Path, facts: Facts, dossier: Dossier) -> None:
    first, second = dossier.models[0], dossier.models[1]
    facts.models[first.sha256] = sha(700)
    del facts.models[second.sha256]
    found = wrong(verify(report, facts))
    assert [check.what for check in found] == [f"model {first.card.name}", f"model {second.card.name}"]
    assert sha(700) in found[0].found
    assert "holds none" in found[1].found


def test_a_broken_audit_chain_is_found(report: Path, facts: Facts) -> None:
    facts.verdict = AuditVerdict(False, 213, "", "event 17 does not follow from event 16")
    found = wrong(verify(report, facts))
    assert [(check.what, check.found) for check in found] == [("audit chain", "event 17 does not follow from event 16")]


def test_a_rewritten_or_shortened_trail_is_found_by_the_printed_head(report: Path, facts: Facts) -> None:
    facts.hashes = {212: sha(800)}
    assert [check.what for check in wrong(verify(report, facts))] == ["audit event 212"]
    facts.hashes = {}
    assert "holds none" in wrong(verify(report, facts))[0].found


def test_another_workspace_is_not_taken_for_the_right_one(report: Path, facts: Facts) -> None:
    facts.workspace_id = "another"
    assert [check.what for check in wrong(verify(report, facts))] == ["workspace"]


@pytest.mark.parametrize("place", [0.02, 0.2, 0.4, 0.6, 0.8])
def test_a_flipped_byte_anywhere_is_found(report: Path, facts: Facts, tmp_path: Path, place: float) -> None:
    whole = bytearray(report.read_bytes())
    whole[int(place * len(whole))] ^= 1
    copy = tmp_path / "flipped.pdf"
    copy.write_bytes(whole)
    assert found_out(copy, facts)


def found_out(copy: Path, facts: Facts) -> bool:
    """Whether a changed PDF is refused or fails the check of its own hash."""
    try:
        return "PDF file" in [check.what for check in wrong(verify(copy, facts))]
    except WorldError:
        return True


def test_an_exchanged_attachment_is_found_by_the_digest_in_the_pages(
    report: Path, facts: Facts, dossier: Dossier, tmp_path: Path
) -> None:
    first = dossier.evidence[0]
    assert first.value is not None
    forged = replace(
        dossier, evidence=(Evidence(first.id, first.job_id, first.path, first.value + 0.1), *dossier.evidence[1:])
    )
    copy = rewritten(report, tmp_path, evidence_document(forged))
    found = [check.what for check in wrong(verify(copy, facts))]
    assert found == ["evidence attachment and pages", "PDF file", "evidence E0001", "evidence numbers"]


def test_a_report_whose_attachment_was_removed_is_found(report: Path, facts: Facts, tmp_path: Path) -> None:
    verification = verify(rewritten(report, tmp_path, None, pages=1), facts)
    assert not verification.ok
    assert verification.checks[0].what == "evidence attachment"
    with pytest.raises(WorldError, match="no evidence of Isoline"):
        read_evidence(rewritten(report, tmp_path, None, pages=1))


def test_a_foreign_pdf_is_refused_with_a_sentence(tmp_path: Path, facts: Facts) -> None:
    path = tmp_path / "letter.pdf"
    canvas = Canvas(str(path), invariant=1)
    canvas.drawString(100, 700, "Dear colleague")
    canvas.save()
    with pytest.raises(WorldError, match="carries no evidence of Isoline"):
        verify(path, facts)


@pytest.mark.parametrize("content", [b"", b"not a pdf", b"%PDF-1.7\n%%EOF", b"%PDF-1.4\n1 0 obj\n<<>>\nendobj"])
def test_what_is_no_pdf_is_refused_with_a_sentence(tmp_path: Path, facts: Facts, content: bytes) -> None:
    path = tmp_path / "broken.pdf"
    path.write_bytes(content)
    with pytest.raises(WorldError, match="not a readable PDF"):
        verify(path, facts)


def test_a_missing_file_and_a_folder_are_refused_with_a_sentence(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pdf", tmp_path):
        with pytest.raises(WorldError, match="cannot be read"):
            read_evidence(path)


@pytest.mark.parametrize(
    "document", [b"{}", b"[]", b"no json", b'{"format":"isoline-evidence","version":99}', b"\xff\xfe"]
)
def test_evidence_of_another_version_is_refused(report: Path, facts: Facts, tmp_path: Path, document: bytes) -> None:
    with pytest.raises(WorldError, match="damaged or of another version"):
        verify(rewritten(report, tmp_path, document, pages=1), facts)


def test_paths_name_positions_labels_and_pointers_alike() -> None:
    results = {"labels": [{"label": "MI", "auroc": {"value": 0.5}}, {"label": "A.B", "auroc": {"value": None}}]}
    for path in ("labels.0.auroc.value", "labels[0].auroc.value", "labels[MI].auroc.value", "/labels/0/auroc/value"):
        assert value_at(results, path) == 0.5
    assert value_at(results, "labels[A.B].auroc.value") is None
    assert path_steps("/a~1b/c") == ["a/b", "c"]
    ledger = Ledger([Evidence("E1", "J1", "labels[MI].auroc.value", 0.5)], {"J1": results})
    assert ledger.cite("J1", "labels.0.auroc.value") == "E1"


@pytest.mark.parametrize("path", ["", "labels.7.auroc.value", "labels", "nothing.here", "labels.0.label"])
def test_a_path_without_a_number_is_an_error(path: str) -> None:
    with pytest.raises(KeyError):
        value_at({"labels": [{"label": "MI"}]}, path)


def rewritten(report: Path, folder: Path, document: bytes | None, pages: int | None = None) -> Path:
    """The report's pages, or its first ones, with another attachment, or none."""
    writer = PdfWriter()
    reader = PdfReader(io.BytesIO(report.read_bytes()))
    for page in reader.pages[:pages]:
        writer.add_page(page)
    writer.metadata = dict(reader.metadata or {})
    if document is not None:
        writer.add_attachment(ATTACHMENT, document)
    path = folder / "rewritten.pdf"
    with path.open("wb") as file:
        writer.write(file)
    return path
