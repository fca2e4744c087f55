"""What a public corpus is to Isoline: a folder of a known layout, a list of entries, and how to get and cite it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from engine.contract.mapping import SignalTable

Sex = Literal["female", "male", "unknown"]
Verified = Literal["real data", "layout only"]

SPEC_SOURCE = "method specification, section 5.1"
"""Where counts of outputs and rules of labels come from, unless a dataset says otherwise."""


@dataclass(frozen=True)
class Entry:
    """One recording of a corpus, as the corpus' own tables describe it.

    Attributes:
        source: the file below the dataset's folder; "file::member" for a recording within a file of many.
        record: the corpus' own id of the recording.
        patient: the corpus' own id of the patient; empty where it gives none: each recording then counts as a patient.
        age: years. Above 89 where the corpus hides how old (PTB-XL writes 300).
        sex: as the corpus has it.
        fold: official fold, where there is one.
        part: official part: "train", "validation" or "test"; empty where folds or nothing stand for it.
        codes: per scheme ("statements", "superclasses", ...) the statements that the corpus makes. What a scheme does
            not list, it denies; a scheme that is absent is not known for this recording.
        values: targets by name: 0, 1 or a number. A name that is absent is not known.
    """

    source: str
    record: str
    patient: str = field(default="", repr=False)
    age: float | None = None
    sex: Sex = "unknown"
    fold: int | None = None
    part: str = ""
    codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    values: Mapping[str, float] = field(default_factory=dict, repr=False)


Reader = Callable[[Path], Iterator[Entry]]
"""From the dataset's folder to its entries, in a fixed order. Raises WorldError naming what is missing in it."""


@dataclass(frozen=True)
class Dataset:
    """One public corpus.

    Attributes:
        name: what commands call it.
        title: its full name.
        records: how many recordings its publication counts.
        patients: how many patients, where it is known.
        purpose: what the study used it for.
        licence: as the distributor states it; check it before use.
        citation: the publication to cite.
        access: how to get it, in one sentence.
        marker: files of which one must be in the folder; they tell that it is this corpus.
        read: its reader.
        official: of each official fold the part that the study gives it: "train", "validation" or "test".
        mapping: how its files are to be read, where they do not say it themselves.
        verified: whether the reader was tried on files of the corpus itself, or on a directory of its layout alone.
        caution: what a user must know before trusting a number on it.
    """

    name: str
    title: str
    records: int
    patients: int | None
    purpose: Literal["evaluation", "pretraining"]
    licence: str
    citation: str
    access: str
    marker: tuple[str, ...]
    read: Reader
    official: Mapping[int, str] = field(default_factory=dict)
    mapping: SignalTable | None = None
    verified: Verified = "layout only"
    caution: str = ""

    def part_of(self, fold: int | None) -> str:
        """The part that the study gives an official fold; empty where it gives none."""
        return "" if fold is None else self.official.get(fold, "")
