"""Import through the real command and the real engine: what is good goes in, what is bad is told, one line a file."""

import csv
import json
import os
import shutil

import pytest

from app import cli
from app.workspace import Workspace


def run(capsys, *words):
    """One verb: exit code, what it printed for scripts, what it said to the user."""
    code = cli.main([str(word) for word in words])
    told = capsys.readouterr()
    return code, told.out, told.err


@pytest.fixture
def headers(samples):
    """Headers of the shipped recordings, in order."""
    found = sorted(samples.rglob("*.hea"))
    assert len(found) >= 120
    return found


@pytest.fixture
def ward(tmp_path, capsys):
    """An empty workspace."""
    assert cli.main(["init", str(tmp_path / "ward")]) == 0
    capsys.readouterr()
    return tmp_path / "ward"


def copied(header, folder, name=None):
    """A recording copied under another name; returns its header and its signal file."""
    folder.mkdir(parents=True, exist_ok=True)
    name = name or header.stem
    text = header.read_text(encoding="latin-1").replace(header.stem, name)
    (folder / f"{name}.hea").write_text(text, encoding="latin-1")
    shutil.copy(header.with_suffix(".dat"), folder / f"{name}.dat")
    return folder / f"{name}.hea", folder / f"{name}.dat"


def test_a_folder_goes_in_and_comes_out_as_json(ward, headers, tmp_path, capsys):
    for header in headers[:3]:
        copied(header, tmp_path / "ecgs")
    code, out, _ = run(capsys, "import", tmp_path / "ecgs", "-w", ward, "--json")
    told = json.loads(out)
    assert code == 0
    assert [row["status"] for row in told] == ["imported"] * 3
    assert all(set(row) >= {"file", "format", "status", "reason", "record_id"} for row in told)
    code, out, _ = run(capsys, "records", "-w", ward, "--json")
    rows = json.loads(out)
    assert code == 0
    assert {row["record_id"] for row in rows} == {row["record_id"] for row in told}
    assert {row["rate_hz"] for row in rows} == {500.0}


def truncated(header, folder):
    _, dat = copied(header, folder, "truncated")
    dat.write_bytes(dat.read_bytes()[:-1000])


def missing(header, folder):
    _, dat = copied(header, folder, "missing")
    dat.unlink()


def longer_than_it_is(header, folder):
    hea, _ = copied(header, folder, "length")
    first, *rest = hea.read_text().splitlines()
    words = first.split()
    words[3] = str(int(words[3]) * 3)
    hea.write_text("\n".join([" ".join(words), *rest]) + "\n")


def another_format(header, folder):
    hea, _ = copied(header, folder, "format")
    hea.write_text(hea.read_text().replace(".dat 16 ", ".dat 32 "))


def wrong_gain(header, folder):
    hea, _ = copied(header, folder, "gain")
    hea.write_text(hea.read_text().replace(" 1000.0(0)", " -1000.0(0)").replace(" 1000(0)", " -1000(0)"))


def gain_is_no_number(header, folder):
    hea, _ = copied(header, folder, "nan")
    hea.write_text(hea.read_text().replace(" 1000.0(0)", " nan(0)").replace(" 1000(0)", " nan(0)"))


def no_header_at_all(header, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "noise.hea").write_bytes(bytes(range(256)))


BAD = [truncated, missing, longer_than_it_is, another_format, wrong_gain, gain_is_no_number, no_header_at_all]


@pytest.mark.slow
def test_each_bad_file_is_refused_in_one_line_and_the_rest_is_imported(ward, headers, tmp_path, capsys):
    for index, spoil in enumerate(BAD):
        spoil(headers[index], tmp_path / "ecgs")
    good, _ = copied(headers[20], tmp_path / "ecgs", "good")
    copied(good, tmp_path / "ecgs", "zz-the-same-again")
    code, out, _ = run(capsys, "import", tmp_path / "ecgs", "-w", ward, "--json")
    told = {row["file"].rpartition("/")[2].removesuffix(".hea"): row for row in json.loads(out)}
    assert code == 1
    refused = {name for name, row in told.items() if row["status"] == "refused"}
    assert refused == {"truncated", "missing", "length", "format", "gain", "nan", "noise"}
    assert all(told[name]["reason"] and told[name]["next_step"] for name in refused)
    assert told["good"]["status"] == "imported"
    assert told["zz-the-same-again"]["status"] == "duplicate"
    assert told["zz-the-same-again"]["reason"]
    with Workspace.open(ward) as workspace:
        assert [row.record_id for row in workspace.records()] == [told["good"]["record_id"]]


def test_a_refused_file_is_told_in_one_line_with_reason_and_next_step(ward, headers, tmp_path, capsys):
    truncated(headers[0], tmp_path / "ecgs")
    code, out, _ = run(capsys, "import", tmp_path / "ecgs", "-w", ward)
    lines = [line for line in out.splitlines() if "truncated" in line]
    assert code == 1
    assert len(lines) == 1
    assert lines[0].startswith("refused")
    assert "0 imported, 0 duplicate, 1 refused" in out


def test_comments_that_are_not_utf8_are_read(ward, headers, tmp_path, capsys):
    hea, _ = copied(headers[0], tmp_path / "ecgs")
    hea.write_bytes(hea.read_bytes() + b"# Dx: Herzschw\xe4che\n")
    _, out, _ = run(capsys, "import", tmp_path / "ecgs", "-w", ward, "--json")
    assert [row["status"] for row in json.loads(out)] == ["imported"]


def test_labels_that_name_no_record_are_listed_and_the_others_count(ward, headers, tmp_path, capsys):
    copied(headers[0], tmp_path / "ecgs", "first")
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                ["record", "patient_id", "age", "sex", "MI"],
                ["first", "p1", "60", "male", "1"],
                ["ghost", "p2", "50", "female", "0"],
            ]
        )
    code, out, _ = run(capsys, "import", tmp_path / "ecgs", "-w", ward, "--labels", tmp_path / "labels.csv", "--json")
    refused = [row for row in json.loads(out) if row["status"] == "refused"]
    assert code == 1
    assert len(refused) == 1
    assert "labels.csv" in refused[0]["file"]
    assert refused[0]["reason"]
    assert refused[0]["next_step"]
    _, out, _ = run(capsys, "records", "-w", ward, "--label", "MI", "--json")
    assert [row["labels"] for row in json.loads(out)] == [{"MI": 1.0}]


def test_a_labels_file_without_the_record_column_is_refused_and_the_recordings_still_go_in(
    ward, headers, tmp_path, capsys
):
    copied(headers[0], tmp_path / "ecgs")
    (tmp_path / "labels.csv").write_text("name,MI\nx,1\n")
    code, out, _ = run(capsys, "import", tmp_path / "ecgs", "-w", ward, "--labels", tmp_path / "labels.csv", "--json")
    statuses = [row["status"] for row in json.loads(out)]
    assert code == 1
    assert sorted(statuses) == ["imported", "refused"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every folder")
def test_an_unreadable_folder_is_told_and_the_rest_is_imported(ward, headers, tmp_path, capsys):
    copied(headers[0], tmp_path / "ecgs" / "open")
    copied(headers[1], tmp_path / "ecgs" / "closed")
    (tmp_path / "ecgs" / "closed").chmod(0)
    try:
        code, out, _ = run(capsys, "import", tmp_path / "ecgs", "-w", ward, "--json")
    finally:
        (tmp_path / "ecgs" / "closed").chmod(0o700)
    assert code == 1
    assert sorted(row["status"] for row in json.loads(out)) == ["imported", "refused"]


def test_a_path_that_is_not_there_is_told_and_exits_with_1(ward, headers, tmp_path, capsys):
    copied(headers[0], tmp_path / "ecgs")
    code, out, err = run(capsys, "import", tmp_path / "ecgs", tmp_path / "nowhere", "-w", ward, "--json")
    assert code == 1
    assert "nowhere" in out + err


def test_importing_the_same_folder_again_changes_nothing_and_says_so(ward, headers, tmp_path, capsys):
    copied(headers[0], tmp_path / "ecgs")
    run(capsys, "import", tmp_path / "ecgs", "-w", ward)
    code, out, _ = run(capsys, "import", tmp_path / "ecgs", "-w", ward)
    assert code == 1
    assert "0 imported, 1 duplicate, 0 refused" in out


def test_export_writes_millivolts_leads_and_rate(ward, headers, tmp_path, capsys):
    np = pytest.importorskip("numpy")
    wfdb = pytest.importorskip("wfdb")
    hea, _ = copied(headers[0], tmp_path / "ecgs")
    _, out, _ = run(capsys, "import", hea, "-w", ward, "--json")
    record = json.loads(out)[0]["record_id"]
    code, _, _ = run(capsys, "export", record, "--npz", tmp_path / "one.npz", "-w", ward)
    truth = wfdb.rdrecord(str(hea.with_suffix("")))
    assert code == 0
    with np.load(tmp_path / "one.npz") as held:
        assert held["signal"].dtype == np.float32
        assert held["signal"].shape == (12, truth.sig_len)
        assert float(held["rate"]) == truth.fs
        order = [name.upper() for name in truth.sig_name]
        rows = [order.index(str(lead).upper()) for lead in held["leads"]]
        np.testing.assert_allclose(held["signal"], truth.p_signal.T[rows], atol=1e-6)


def test_a_record_that_is_not_there_exits_with_2(ward, tmp_path, capsys):
    code, _, err = run(capsys, "export", "r000000000000", "--npz", tmp_path / "one.npz", "-w", ward)
    assert code == 2
    assert "none of this id or name" in err
    assert not (tmp_path / "one.npz").exists()
