"""Seeds of the fuzzer: small whole recordings in every format, made by the test factories.

A seed is a set of files with one that is opened; each of the files is spoilt in turn.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "engine"))

import format_factories as binary
import numpy as np
import xml_factories as xml


@dataclass(frozen=True)
class Seed:
    """Files by name; `opened` is the one that is read, `spoilt` the one that is mutated."""

    format: str
    files: dict[str, bytes]
    opened: str
    spoilt: str
    repair: Callable[[bytes], bytes] | None = None

    def made_right(self, content: bytes, case: int) -> bytes:
        """Every other case gets right checksums, or a checksum would keep the fuzzer out of all that comes behind."""
        return self.repair(content) if self.repair is not None and case % 2 else content


@cache
def all_seeds() -> tuple[Seed, ...]:
    """Every seed, in a fixed order."""
    extra = (*binary.LEADS, "V7", "V3R")
    short, eight = binary.steps(samples=40), binary.steps(xml.EIGHT, 40)
    single = {
        "dicom": (
            binary.dicom(),
            binary.dicom(binary.dicom_group(extra), PatientComments="x"),
            binary.dicom(binary.dicom_group(WaveformPaddingValue=b"\0\0")),
        ),
        "edf": (binary.edf(), binary.edf(kind="EDF+D", stamps=[i * 0.04 for i in range(6)])),
        "bdf": (binary.edf(bits=24, physical=(-262144, 262143), kind=""),),
        "ishne": (binary.ishne(), binary.ishne(crc=False, text=b"a note", pacemaker=3)),
        "scp": (binary.scp(), binary.scp(huffman=True, difference=2), binary.scp(difference=1, crc=True)),
        "aecg": (xml.aecg(samples_CT=short), xml.aecg(samples_CT=short, pieces=2)),
        "muse": (xml.muse(median=False), xml.muse(samples_CT=eight, extra="<LeadOff>FALSE</LeadOff>")),
        "cardiology": (xml.cardiology(samples_CT=short),),
        "sierra": (xml.sierra(), xml.sierra(compressed=False), xml.sierra(version="1.04.01", encoding="UTF-16")),
    }  # fmt: skip
    repairs = {"scp": binary.scp_repaired, "ishne": binary.ishne_repaired}
    seeds = [
        Seed(name, {"zzfile": content}, "zzfile", "zzfile", repairs.get(name))
        for name, contents in single.items()
        for content in contents
    ]
    return (*seeds, *wfdb_seeds(), *table_seeds())


def wfdb_seeds() -> list[Seed]:
    """Header and signal of WFDB, each spoilt with the other whole; several formats and a multi-segment record."""
    import struct

    signal = np.ascontiguousarray(binary.steps(samples=60).T.astype("<i2")).tobytes()
    lines = [f"{{file}} {{code}} 400/mV 16 0 0 0 0 {lead}" for lead in binary.LEADS]

    def header(name: str, code: str) -> bytes:
        body = "\n".join(lines).format(file=f"{name}.dat", code=code)
        return f"{name} 12 500 60 03:04:05 02/01/2020\n{body}\n# Age: 61\n# Sex: F\n".encode()

    seeds = []
    for code, content in (("16", signal), ("212", bytes(12 * 90)), ("8", bytes(720)), ("24", bytes(2160)),
                          ("16x2", signal * 2), ("80", bytes(720)), ("310", bytes(960)), ("61", signal)):  # fmt: skip
        files = {"r.hea": header("r", code), "r.dat": content}
        seeds += [Seed("wfdb", files, "r.hea", "r.hea"), Seed("wfdb", files, "r.hea", "r.dat")]
    master = b"m/2 12 500 120\nr 60\nr 60\n"
    files = {"m.hea": master, "r.hea": header("r", "16"), "r.dat": signal}
    seeds += [Seed("wfdb", files, "m.hea", name) for name in ("m.hea", "r.hea", "r.dat")]
    matlab = struct.pack("<5i", 0, 12, 60, 0, 4) + b"val\0" + signal
    challenge = header("r", "16+24").replace(b"r.dat", b"r.mat")
    files = {"r.hea": challenge, "r.mat": matlab}
    return [*seeds, *(Seed("wfdb-mat", files, "r.hea", name) for name in files)]


def table_seeds() -> list[Seed]:
    """CSV, NumPy, HDF5 and MATLAB in the layouts that readers know without a mapping."""
    import h5py
    from scipy.io import savemat

    signal_CT = binary.steps(samples=60) / 400.0
    header = ",".join(f"{lead} (mV)" for lead in ("time", *binary.LEADS))
    rows = "\n".join(",".join([f"{i / 500:.3f}", *(f"{v:.4f}" for v in row)]) for i, row in enumerate(signal_CT.T))
    plain = "\n".join(",".join(f"{value:.4f}" for value in row) for row in signal_CT.T)
    npy, npz, hdf5 = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(npy, signal_CT.astype("f4"))
    np.savez_compressed(npz, signal=signal_CT.astype("f4"))
    with h5py.File(hdf5, "w") as file:
        file["tracings"] = signal_CT.T[None].astype("f4")
        file["exam_id"] = np.array([7])
    structs = []
    for packed in (True, False):
        matlab = io.BytesIO()
        savemat(matlab, {"ECG": {"sex": "Male", "age": 52, "data": signal_CT}}, do_compression=packed)
        structs.append(Seed("matlab", {"r.mat": matlab.getvalue()}, "r.mat", "r.mat"))
    return [
        *structs,
        Seed("csv", {"r.csv": f"{header}\n{rows}\n".encode()}, "r.csv", "r.csv"),
        Seed("csv", {"r.csv": f"{plain}\n".encode()}, "r.csv", "r.csv"),
        Seed("numpy", {"r.npy": npy.getvalue()}, "r.npy", "r.npy"),
        Seed("numpy", {"r.npz": npz.getvalue()}, "r.npz", "r.npz"),
        Seed("hdf5", {"r.hdf5": hdf5.getvalue()}, "r.hdf5", "r.hdf5"),
        *parquet_seeds(signal_CT),
    ]


def parquet_seeds(signal_CT: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> list[Seed]:
    """A column a lead, that tells rate and unit of itself, in two encodings."""
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.table(dict(zip(binary.LEADS, signal_CT.astype("f4"), strict=True)))
    table = table.replace_schema_metadata({"rate_hz": "500", "unit": "mV"})
    seeds = []
    for packed in ("NONE", "SNAPPY"):
        held = io.BytesIO()
        parquet.write_table(table, held, compression=packed, use_dictionary=packed == "SNAPPY")
        seeds.append(Seed("parquet", {"r.parquet": held.getvalue()}, "r.parquet", "r.parquet"))
    return seeds
