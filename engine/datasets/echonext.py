"""EchoNext: 100,000 ECGs with eleven findings of an echocardiogram within a year, and an official split.

Layout: `EchoNext_metadata_100k.csv` and `EchoNext_<part>_waveforms.npy` [N, 1, 2500, 12] at 250 Hz; a part's rows
follow the table's order. The distributor filtered, clipped and standardised the signals: they are no millivolts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from engine.contract.mapping import SignalTable
from engine.datasets.dataset import Dataset, Entry
from engine.datasets.tables import find_table, number, read_table
from engine.datasets.tasks import Task
from engine.datasets.wfdb_headers import SEXES
from engine.signal.leads import CANONICAL

FINDINGS = (
    "lvef_lte_45_flag",
    "lvwt_gte_13_flag",
    "aortic_stenosis_moderate_or_greater_flag",
    "aortic_regurgitation_moderate_or_greater_flag",
    "mitral_regurgitation_moderate_or_greater_flag",
    "tricuspid_regurgitation_moderate_or_greater_flag",
    "pulmonary_regurgitation_moderate_or_greater_flag",
    "rv_systolic_dysfunction_moderate_or_greater_flag",
    "pericardial_effusion_moderate_large_flag",
    "pasp_gte_45_flag",
    "tr_max_gte_32_flag",
)
_PARTS = {"train": "train", "val": "validation", "test": "test", "no_split": ""}
_NEEDED = ("ecg_key", "patient_key", "age_at_ecg", "sex", "split", *FINDINGS)


def read(folder: Path) -> Iterator[Entry]:
    """Entries of all parts in the order of the table; an empty flag is unknown."""
    seen: Counter[str] = Counter()
    for row in read_table(find_table(folder, "EchoNext_metadata_100k.csv"), _NEEDED):
        place = seen[row["split"]]
        seen[row["split"]] += 1
        flags = {name: number(row[name]) for name in FINDINGS}
        yield Entry(
            source=f"EchoNext_{row['split']}_waveforms.npy::{place}",
            record=row["ecg_key"],
            patient=row["patient_key"],
            age=number(row["age_at_ecg"]),
            sex=SEXES.get(row["sex"].lower(), "unknown"),
            part=_PARTS.get(row["split"], ""),
            values={name: value for name, value in flags.items() if value is not None},
        )


DATASETS = (
    Dataset(
        name="echonext",
        title="EchoNext, Columbia University",
        records=100000,
        patients=36286,
        purpose="evaluation",
        licence="restricted access: PhysioNet data use agreement",
        citation="Elias P, Finer J. EchoNext: A Dataset for Detecting Echocardiogram-Confirmed Structural Heart "
        "Disease from ECGs. PhysioNet (2025)",
        access="on request: PhysioNet, 'EchoNext', version 1.1.1 (data use agreement)",
        marker=("EchoNext_metadata_100k.csv",),
        read=read,
        mapping=SignalTable(rate_hz=250, mv_per_step=1, axes="record,time,lead", leads=CANONICAL),
        caution="signals are standardised, not millivolts: models that expect millivolts see another scale",
    ),
)
TASKS = (
    Task(
        "echonext",
        "echonext",
        "EchoNext, findings of the echocardiogram",
        "cardiac structure and function",
        "multi-label",
        11,
        "official train, validation and test parts",
        targets=FINDINGS,
    ),
)
