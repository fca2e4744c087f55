"""SNOMED CT codes of the PhysioNet/CinC Challenges 2020 and 2021, with the Challenge's abbreviations.

Codes, names and abbreviations are those of the Challenge's tables `dx_mapping_scored.csv` and
`dx_mapping_unscored.csv` (physionetchallenges/evaluation-2021, BSD-2-Clause). The Challenge scores four pairs of codes
as one diagnosis (`SAME`); the study keeps them apart, and so do we.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

SAME = {
    "733534002": "164909002",
    "713427006": "59118001",
    "63593006": "284470004",
    "17338001": "427172004",
}
"""Codes that the Challenge counts as another one: complete left and right bundle branch block, premature beats."""


@dataclass(frozen=True)
class Diagnosis:
    """A diagnosis of the Challenges: SNOMED CT code, abbreviation, name."""

    code: str
    abbreviation: str
    name: str


@cache
def diagnoses() -> dict[str, Diagnosis]:
    """All 133 by code."""
    text = files("engine.datasets").joinpath("snomed.csv").read_text(encoding="utf-8")
    return {row["code"]: Diagnosis(**row) for row in csv.DictReader(text.splitlines())}


def abbreviation(code: str) -> str:
    """The Challenge's abbreviation; "SNOMED" and the code where it has none."""
    known = diagnoses().get(code)
    return known.abbreviation if known else f"SNOMED {code}"
