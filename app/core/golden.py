"""The golden ECGs: sixteen shipped recordings that a vendor can run too, and the folder that he is given.

Four normal ones and three of each other superclass of PTB-XL, women and men in turn; the list never changes, so that
certificates of years stay comparable.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from app.assets import asset
from app.core import leaving
from app.core.home import Home
from app.core.whole_file import write_file
from engine.contract.card import ModelCard
from engine.contract.errors import WorldError
from engine.data.golden import GoldenECG, golden_sha256, write_golden
from engine.signal.leads import CANONICAL
from engine.signal.readers import read_recording

_SHIPPED = (
    *("00003_hr", "00007_hr", "00010_hr", "00019_hr", "00022_hr", "00052_hr", "00054_hr", "00131_hr"),
    *("00137_hr", "00139_hr", "00146_hr", "00148_hr", "00226_hr", "00263_hr", "00313_hr", "00338_hr"),
)
"""Files of the shipped sample: PTB-XL's 500 Hz recordings."""

FILES = {f"golden-{n:02d}": file for n, file in enumerate(_SHIPPED, start=1)}
"""Shipped file by golden ECG. Names of their own, since a workspace that has imported the shipped sample lets no file's
name out."""

SHA256 = "76f9b66ea306e35ac1a813892f6f06dd0303eace4d1070df07a7416fa5fdf291"
"""Of names, rates and samples of all; a test holds the shipped files against it."""

README = """Golden ECGs of Isoline for a parity certificate
================================================

{count} recordings of PTB-XL (CC BY 4.0, see LICENSE.txt), ecg_id {ids} in this order:
12 leads, 500 Hz, 10 s, in millivolts, as WFDB (wfdb/), as tables (csv/: one column a lead), and all together in
golden.npz (names, rate_hz, signal_0 ... [12, samples] float32). The three hold the same samples.

Please run your own program on each of them, as you run it for customers, and send back one file:

reference.csv   record, output, class, value: one number of a recording a row. A template with all rows stands here.
or .json        {{record: {{output: {{class: value}}}}}}
or .npz         arrays "RECORD/OUTPUT": the numbers of the recording [classes], or what the network puts out for each
                window [windows, ...]; and, if you can, "RECORD/input": the windows that you feed [windows, leads,
                samples]. With your input a difference can be told to come from preprocessing or from the network.

contract.json holds what we believe that the model is fed, and its outputs. Please correct it where it is wrong.
Hash of the golden ECGs: {sha256}
"""


def golden_ecgs() -> list[GoldenECG]:
    """The golden ECGs, read from the shipped files. Raises WorldError when the installation lacks one."""
    folder = asset("samples", "ptbxl")
    told = []
    for name, file in FILES.items():
        recording = read_recording(folder / f"{file}.hea", digest=False)
        told.append(GoldenECG(name, recording.signal_CT, recording.rate_hz))
    return told


def export_golden(home: Home, card: ModelCard, golden: Sequence[GoldenECG], folder: Path) -> list[Path]:
    """Write what a vendor needs to answer; gives back the files.

    Args:
        home: the workspace that they leave.
        card: of the model: contract and outputs go along.
        golden: the recordings.
        folder: that is made.

    Raises:
        WorldError: the folder exists already, cannot be written, or would hold an identifier seen at import.
    """
    told = {"contract.json": _contract(card), "reference.csv": _template(card, golden)}
    leaving.refuse_file(home, "golden ECGs", folder, told)
    try:
        (folder / "csv").mkdir(parents=True)
        (folder / "wfdb").mkdir()
        write_golden(folder / "golden.npz", golden)
        for name, file in FILES.items():
            shutil.copyfile(asset("samples", "ptbxl", f"{file}.dat"), folder / "wfdb" / f"{name}.dat")
            header = asset("samples", "ptbxl", f"{file}.hea").read_text(encoding="ascii")
            (folder / "wfdb" / f"{name}.hea").write_text(header.replace(file, name), encoding="ascii")
    except FileExistsError:
        raise WorldError("folder", "it exists already", "Name one that does not") from None
    except OSError as error:
        reason = f"it cannot be written ({error.strerror or type(error).__name__})"
        raise WorldError("folder", reason, "Choose another place") from None
    texts = {f"csv/{one.name}.csv": _table(one) for one in golden}
    texts |= told
    texts["LICENSE.txt"] = asset("samples", "ptbxl", "LICENSE.txt").read_text(encoding="utf-8")
    ids = ", ".join(str(int(file.partition("_")[0])) for file in _SHIPPED)
    texts["README.txt"] = README.format(count=len(golden), ids=ids, sha256=golden_sha256(golden))
    for name, text in texts.items():
        write_file("golden ECGs", folder / name, text.encode())
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _table(one: GoldenECG) -> str:
    """Millivolts; the shipped files hold whole microvolts, so that three decimals lose nothing."""
    line = ",".join(["%.3f"] * len(CANONICAL))
    rows = "\n".join(line % tuple(sample) for sample in one.signal_CT.T.tolist())
    return ",".join(CANONICAL) + "\n" + rows + "\n"


def _template(card: ModelCard, golden: Sequence[GoldenECG]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["record", "output", "class", "value"])
    for one in golden:
        for output in card.outputs:
            for name in output.classes or ("0",):
                writer.writerow([one.name, output.name, name, ""])
    return text.getvalue()


def _contract(card: ModelCard) -> str:
    told = card.model_dump(mode="json", include={"name", "version", "preprocessing", "outputs", "files"})
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"
