"""Small directories in the layouts of public corpora. All synthetic: no recording, no person, no label is real.

Each builder fills a folder and gives back how many entries the reader must find in it.
"""

import csv
import json

import h5py
import numpy as np
from openpyxl import Workbook

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


def noise(samples, seed):
    """[12, samples] int16 that obeys Einthoven's law, as twelve leads of a cart do."""
    generator = np.random.default_rng(seed)
    one, two = (np.cumsum(generator.integers(-20, 21, samples)) for _ in range(2))
    limb = [one, two, two - one, -(one + two) // 2, one - two // 2, two - one // 2]
    chest = [np.cumsum(generator.integers(-20, 21, samples)) for _ in range(6)]
    return np.clip(np.stack(limb + chest), -32000, 32000).astype(np.int16)


def write_wfdb(path, seed, rate=500, samples=5000, comments=()):
    path.parent.mkdir(parents=True, exist_ok=True)
    signal_CT = noise(samples, seed)
    lines = [f"{path.name} 12 {rate} {samples}"]
    for lead, signal_T in zip(LEADS, signal_CT, strict=True):
        checksum = int(signal_T.sum(dtype=np.int64).astype(np.int16))
        lines.append(f"{path.name}.dat 16 1000/mV 16 0 {signal_T[0]} {checksum} 0 {lead}")
    path.with_name(path.name + ".hea").write_text("\n".join([*lines, *comments]) + "\n")
    path.with_name(path.name + ".dat").write_bytes(signal_CT.T.astype("<i2").tobytes())


def write_table(path, rows, delimiter=","):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def ptbxl(folder):
    rows = []
    for number in range(1, 25):
        stem = f"records500/00000/{number:05d}_hr"
        write_wfdb(folder / stem, number)
        codes = {"NORM": 100.0, "SR": 0.0} if number % 2 else {"IMI": 50.0, "AFIB": 0.0, "LVH": 0.0}
        rows.append(
            {
                "ecg_id": number,
                "patient_id": f"{100 + number // 2}.0",
                "age": 300.0 if number == 1 else 40.0 + number,
                "sex": number % 2,
                "scp_codes": repr(codes),
                "strat_fold": 1 + number // 2 % 10,
                "filename_hr": stem,
            }
        )
    write_table(folder / "ptbxl_database.csv", rows)
    statements = [
        ("NORM", "1.0", "NORM", "NORM"),
        ("IMI", "1.0", "MI", "IMI"),
        ("LVH", "1.0", "HYP", "LVH"),
        ("SR", "", "", ""),
        ("AFIB", "", "", ""),
    ]
    keys = ("", "diagnostic", "diagnostic_class", "diagnostic_subclass")
    write_table(folder / "scp_statements.csv", [dict(zip(keys, row, strict=True)) for row in statements])
    return 24


def _challenge(names, samples=5000):
    def build(folder):
        for number, name in enumerate(names):
            comments = (
                f"# Age: {50 + number}",
                f"# Sex: {'Female' if number % 2 else 'Male'}",
                "# Dx: 164889003,59118001",
            )
            write_wfdb(folder / "g1" / name, number, samples=samples, comments=comments)
        # Another corpus of the Challenge in the same folder, and a recording that is too short.
        write_wfdb(folder / "g1" / "HR00001", 90, comments=("# Dx: 426783006",))
        write_wfdb(folder / "g1" / (names[0][:-2] + "05"), 91, samples=2500, comments=("# Dx: 426783006",))
        return len(names)

    return build


def cpsc2018_structs(folder):
    """CPSC2018 as first given out: MATLAB structs in two folders and a table of references."""
    from scipy.io import savemat

    rows = []
    for number in range(1, 7):
        place = folder / f"TrainingSet{1 + number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        signal_CT = noise(4500 if number == 6 else 5000, number) / 1000
        struct = {"sex": "Male" if number % 2 else "Female", "age": 50 + number, "data": signal_CT}
        savemat(place / f"A{number:04d}.mat", {"ECG": struct}, do_compression=True)
        labels = {"First_label": number, "Second_label": 9 if number == 2 else "", "Third_label": ""}
        rows += [{"Recording": f"A{number:04d}"} | labels] if number != 5 else []
    write_table(folder / "TrainingSet1" / "REFERENCE.csv", rows)
    return 5


def chapman(folder):
    book = Workbook()
    book.active.append(["FileName", "Rhythm", "Beat", "PatientAge", "Gender", "VentricularRate"])
    for number in range(11):
        name = f"MUSE_20180111_{number:06d}"
        book.active.append([name, "AFIB" if number % 2 else "SB", "NONE" if number % 3 else "RBBB TWC", 60, "MALE", 70])
        (folder / "ECGData").mkdir(parents=True, exist_ok=True)
        microvolts_TC = noise(500, number).T.astype(float)
        text = "\n".join([",".join(LEADS), *[",".join(f"{v:g}" for v in row) for row in microvolts_TC]])
        (folder / "ECGData" / f"{name}.csv").write_text(text + "\n")
    book.save(folder / "Diagnostics.xlsx")
    return 11


def sph(folder):
    rows = []
    (folder / "records").mkdir(parents=True)
    for number in range(12):
        name = f"A{number:05d}"
        rows.append(
            {
                "ECG_ID": name,
                "AHA_Code": "60+310;50" if number % 2 else "1",
                "Patient_ID": f"S{number // 2:05d}",
                "Age": 55,
                "Sex": "MF"[number % 2],
                "N": 5000,
                "Date": "2020-03-04",
            }
        )
        with h5py.File(folder / "records" / f"{name}.h5", "w") as file:
            file["ecg"] = (noise(600, number) / 1000).astype(np.float16)
    write_table(folder / "metadata.csv", rows)
    return 12


def zzu(folder):
    rows = []
    for number in range(12):
        name = f"P00/P{number:05d}/P{number:05d}_E01"
        write_wfdb(folder / "Child_ecg" / name, number)
        rows.append(
            {
                "Filename": name,
                "ECG_ID": f"P{number:05d}_E01",
                "Patient_ID": f"P{number:05d}",
                "Age": "1461d",
                "Gender": "'Male'" if number % 2 else "'Female'",
                "Acquisition_date": "2020/1/1",
                "Sampling_point": 4000 if number == 10 else 5000,
                "Lead": 9 if number == 11 else 12,
                "AHA_code": "'A22';'Left ventricular high voltage'" if number % 2 else "'C1'",
                "CHN_code": "'D22'",
                "ICD-10 code": "Null" if number % 2 else "'Q21.1';'I40.0'",
            }
        )
    write_table(folder / "AttributesDictionary.csv", rows)
    codes = [("Sinus rhythm", "C1", "N/A"), ("Sinus arrhythmia", "A22", "D22"), ("High voltage", "N/A", "J106")]
    keys = ("Description", "AHA(Category&Code)", "CHN(Category&Code)")
    write_table(folder / "ECGCode.csv", [dict(zip(keys, row, strict=True)) for row in codes])
    write_table(folder / "DiseaseCode.csv", [{"Disease type": "x", "Disease category": "y", "ICD-10 code": "Q21.1"}])
    return 10


def echonext(folder):
    from engine.datasets.echonext import FINDINGS

    rows = []
    for split, size in (("train", 4), ("val", 3), ("test", 3), ("no_split", 2)):
        signals = [noise(2500, 100 * len(rows) + number).T / 500 for number in range(size)]
        waves = np.stack(signals)[:, None].astype(np.float64)
        np.save(folder / f"EchoNext_{split}_waveforms.npy", waves)
        for number in range(size):
            row = {
                "ecg_key": f"{split}{number}",
                "patient_key": f"{split}{number // 2}",
                "age_at_ecg": 66,
                "sex": "Female",
            }
            row |= {"split": split} | dict.fromkeys(FINDINGS, "" if number == 1 else number % 2)
            rows.append(row)
    write_table(folder / "EchoNext_metadata_100k.csv", rows)
    return 12


def code15(folder):
    rows = []
    for part in range(2):
        tracings = np.zeros((4, 4096, 12), np.float32)
        tracings[:3, 48:4048] = (np.stack([noise(4000, 10 * part + n) for n in range(3)]) / 1000).transpose(0, 2, 1)
        exams = [1000 + 10 * part + number for number in range(3)]
        with h5py.File(folder / f"exams_part{part}.hdf5", "w") as file:
            file["exam_id"] = np.array([*exams, 0])
            file["tracings"] = tracings
        for exam in exams:
            row = {"exam_id": exam, "age": 50, "is_male": bool(exam % 2), "patient_id": exam // 2}
            row |= dict.fromkeys(("1dAVb", "RBBB", "LBBB", "SB", "ST", "AF"), exam % 2 == 0)
            rows.append(row | {"death": "", "timey": "", "trace_file": f"exams_part{part}.hdf5"})
    write_table(folder / "exams.csv", rows)
    return 6


def heedb(folder):
    rows = []
    for number in range(4):
        name = f"S0001/1987/de_{number}"
        write_wfdb(folder / "ECG" / "WFDB" / name, number)
        row = {
            "FileName": f"{name}.hea",
            "BDSPPatientID": 7 + number // 2,
            "PatientRace": "",
            "SexDSC": "Female",
            "Age": 70,
        }
        rows.append(row)
    write_table(folder / "Metadata" / "demographics_ECG.csv", rows)
    write_table(folder / "Metadata" / "duplicated.csv", [{"file_name": "S0001/1987/de_3"}])
    return 3


def heedb_emory(folder):
    for number in range(3):
        write_wfdb(folder / "WFDB" / "2010" / f"MUSE_{number}", number)
    return 3


def mimic(folder):
    from engine.datasets.mimic import DETERIORATION, ICU, MORTALITY

    names = DETERIORATION + MORTALITY + ICU
    records, diagnoses, machine, outcomes = [], [], [], []
    for number in range(12):
        study, subject, path = 40000 + number, 10000 + number // 2, f"files/p1000/p1000{number // 2}/s{number}/{number}"
        write_wfdb(folder / path, number)
        base = {"subject_id": subject, "study_id": study, "ecg_time": f"2180-07-{1 + number:02d} 08:00:00"}
        records.append(base | {"file_name": study, "path": path})
        diagnoses.append(
            base
            | {
                "all_diag_all": "[]" if number == 2 else repr(["I2510", "E785", "W19XXXA"]),
                "gender": "FM"[number // 2 % 2],
                "age": 60 + number,
                "ecg_no_within_stay": number % 2,
                "ecg_taken_in_ed": number != 3,
                "strat_fold": 19 if number > 7 else number % 18,
            }
        )
        machine.append(
            base
            | {"rr_interval": 800, "p_onset": 100, "p_end": 180, "qrs_onset": 220, "qrs_end": 310, "t_end": 600}
            | {"p_axis": 40, "qrs_axis": 29999, "t_axis": 50}
        )
        outcomes.append(
            {"general_study_id": f"{study}.0"}
            | {f"deterioration_{name}": (-999.0, 0.0, 1.0)[number % 3] for name in names}
        )
    write_table(folder / "record_list.csv", records)
    write_table(folder / "machine_measurements.csv", machine)
    write_table(folder / "mimic-iv-ecg-ext-icd-labels" / "1.0.1" / "records_w_diag_icd10.csv", diagnoses)
    write_table(folder / "benchmark" / "mds_ed.csv", outcomes)
    return 8


def mimic_measurements(folder):
    """Tables of weights, vital signs and laboratory values beside `mimic`; their values are told in the test."""
    weights = [("2180-07-02", 150.0), ("2180-08-20", 170.0)]
    rows = [
        {"subject_id": 10000, "chartdate": day, "seq_num": 1, "result_name": "Weight (Lbs)", "result_value": value}
        for day, value in weights
    ]
    write_table(folder / "hosp" / "omr.csv", rows)
    vitals = {"temperature": 98.0, "heartrate": 70.0, "resprate": 16.0, "o2sat": 97.0, "sbp": 120.0, "dbp": ""}
    times = ("2180-07-01 07:20:00", "2180-07-01 10:00:00")
    rows = [
        {"subject_id": 10000, "stay_id": 1, "charttime": time} | vitals | {"heartrate": 70.0 + 30 * number}
        for number, time in enumerate(times)
    ]
    write_table(folder / "ed" / "vitalsign.csv", rows)
    items = [
        {"itemid": 1, "label": "Creatinine"},
        {"itemid": 2, "label": "Creatinine"},
        {"itemid": 3, "label": "Unasked"},
    ]
    write_table(folder / "hosp" / "d_labitems.csv", items)
    event = {"subject_id": 10000, "storetime": "2180-07-01 08:30:00", "valuenum": 1.1, "valueuom": "mg/dL"}
    rows = [event | {"itemid": 1}, event | {"itemid": 1}, event | {"itemid": 1, "valueuom": "umol/L", "valuenum": 97}]
    write_table(
        folder / "hosp" / "labevents.csv", [*rows, event | {"itemid": 2, "valuenum": 9.0}, event | {"itemid": 3}]
    )


BUILDERS = {
    "ptbxl": ptbxl,
    "cpsc2018": _challenge([f"A{number:04d}" for number in range(10, 22)]),
    "cpsc-extra": _challenge([f"Q{number:04d}" for number in range(10, 22)]),
    "georgia": _challenge([f"E{number:05d}" for number in range(10, 22)]),
    "ningbo": _challenge([f"JS{number:05d}" for number in range(10650, 10660)]),
    "chapman": chapman,
    "sph": sph,
    "zzu": zzu,
    "echonext": echonext,
    "mimic": mimic,
    "code15": code15,
    "heedb": heedb,
    "heedb-emory": heedb_emory,
}


def told(entry):
    """An entry as text, to compare."""
    return json.dumps([entry.source, entry.record, entry.patient, entry.age, entry.sex, entry.fold, entry.part])
