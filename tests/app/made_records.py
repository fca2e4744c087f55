"""A workspace with made-up recordings, taken in through the functions of an import but without any file."""

from __future__ import annotations

from typing import Any

from app.core import intake, jobs, label_import
from app.workspace import Workspace
from engine.contract.config import ImportConfig
from engine.contract.events import FileRead

FLAT = {"name": "flat", "text": "flat line in V1", "leads": ["V1"], "values": [0.004]}
SWAP = {
    "name": "limb_swap",
    "text": "RA and LA may be swapped: P, QRS and T waves look more usual with them exchanged back",
    "leads": [],
    "values": [4.2],
}
MANY = 230
"""Recordings that fill more than two pages of a table."""
DEVICES = ({"maker": "GE", "model": "MAC 5500"}, {"maker": "Philips", "model": "TC70"}, {})


def told(number: int, **other: Any) -> FileRead:
    """What an import tells of the recording with this number; ages, years and findings come in no order."""
    findings = [[FLAT], [SWAP], [], [], []][number % 5]
    record = {
        "rate_hz": (250.0, 500.0)[number % 2],
        "seconds": 10.0,
        "present": ["I", "II"],
        "format": ("DICOM", "WFDB format 16")[number % 2],
        "file_sha256": f"{number:064x}",
        "signal_sha256": f"{number:064x}",
        "age": float(20 + number * 37 % 60),
        "sex": ("female", "male")[number % 3 % 2],
        "quality": "limited" if findings else "good",
        "quality_reasons": [one["text"] for one in findings],
        "quality_evidence": {"names": [one["name"] for one in findings], "findings": findings},
        "year": 2000 + number * 7 % 20,
        "device": DEVICES[number % 3],
        "patient": f"p{number * 101 % 997:012x}",
        **other,
    }
    return FileRead(index=number, status="imported", record_id=f"r{number:012x}", record=record)


def take_in(workspace: Workspace, recordings: list[FileRead], dataset: str = "ward") -> None:
    """Take recordings in, with the label AF of two in three of them."""
    home = workspace._home
    with home.db.write() as session:
        config = ImportConfig(store=str(home.store), dataset=dataset)
        files = [f"/data/{number}.xml" for number in range(max(one.index for one in recordings) + 1)]
        job = jobs.submit(session, home, config, "local", inputs=files)
        intake.take_files(session, home, jobs.get(session, job), "local", recordings)
        jobs.get(session, job).state = "done"
        label_import.put(session, [_label(one) for one in recordings if one.index % 3])


def _label(one: FileRead) -> dict[str, Any]:
    value = float(one.index % 2)
    known = {"record_id": one.record_id, "label": "AF", "value": value, "source_sha256": ""}
    return known | {"kind": "binary", "origin": "table"}
