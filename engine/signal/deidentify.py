"""De-identification: what names a person, a place or a device does not go on from here.

Patient ids and serial numbers become keyed hashes, dates a year or a shifted date, ages above 89 become 90, free text
is dropped unless it is allowed. What was removed is counted by kind, and the result is read back: `leftovers` looks for
the file's own identifiers in everything that is about to be told of it.

Source of the rules: HIPAA Safe Harbor, 45 CFR 164.514(b)(2).
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from engine.contract.deidentification import Deidentification
from engine.contract.errors import WorldError
from engine.signal.acquisition import Acquisition, Statement
from engine.signal.identifiers import marks_of, signs_in, signs_of
from engine.signal.pseudonyms import date_shift, device_pseudonym, pseudonym
from engine.signal.recording import Recording

FILE_NAME = "file name"
AGE = "age above 89"
_WFDB_DATE = re.compile(
    r"(?:(?P<clock>\d{1,2}:\d\d(?::\d\d)?)\S*\s+)?(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})"
)


@dataclass(frozen=True)
class Removed:
    """What was taken out of one recording.

    Attributes:
        counts: how many of each kind.
        marks: keyed hashes of what the identifiers look like in text, with their kind; for the search of exports.
        unsearchable: identifiers that are too short or too common to be searched for.
    """

    counts: dict[str, int]
    marks: dict[int, str] = field(default_factory=dict, repr=False)
    unsearchable: int = 0


def deidentify(recording: Recording, policy: Deidentification, key: bytes | None) -> tuple[Recording, Removed]:
    """The recording without what identifies, and what was removed.

    Args:
        recording: as read.
        policy: what is kept of dates and of free text.
        key: the workspace's; without one no pseudonym is made and nothing can be searched for later.

    Raises:
        WorldError: an identifier of the file is still found in the result.
    """
    found = _identifiers(recording)
    secret = key or os.urandom(32)
    counts = Counter(kind for kind, _ in found if kind != FILE_NAME)
    signs = set[str]().union(*(signs_of(kind, text) for kind, text in found))
    statements = tuple(_statement(statement, policy, signs, counts) for statement in recording.statements)
    if recording.age_over_89:
        counts[AGE] += 1
    clean = replace(
        recording,
        patient=pseudonym(key, recording.patient) if key and recording.patient else None,
        acquired=_date(recording, policy, key),
        age=recording.age_years,
        acquisition=_acquisition(recording.acquisition, key, signs, counts),
        statements=statements,
        source_name="",
        identifiers=(),
    )
    _refuse_leftovers(clean, signs)
    marks = {mark: kind for kind, text in found for mark in marks_of(secret, kind, text)} if key else {}
    lost = sum(not signs_of(kind, text) for kind, text in found) if key else len(found)
    return clean, Removed(dict(sorted(counts.items())), marks, lost)


def told_texts(recording: Recording) -> dict[str, str]:
    """Every string of a recording that stems from its file, by the place where it stands."""
    told = {f"device {f.name}": str(getattr(recording.acquisition, f.name)) for f in fields(Acquisition)}
    told |= {"format": recording.format, "source name": recording.source_name}
    told |= {f"transformation {n}": text for n, text in enumerate(recording.transformations)}
    for n, statement in enumerate(recording.statements):
        told |= {
            f"statement {n} {part}": str(getattr(statement, part)) for part in ("text", "code", "system", "source")
        }
    return {place: text for place, text in told.items() if text}


def year_of(acquired: str | None) -> int | None:
    """The year of a date as readers and this module write it."""
    told = re.search(r"(?<!\d)(1[89]\d\d|2[01]\d\d)(?!\d)", acquired or "")
    return int(told[1]) if told else None


def moment_of(acquired: str | None) -> datetime | None:
    """A date and time as ISO 8601 or as WFDB headers write it ("9:17:34 09/11/1984"); None when it is neither."""
    if not acquired:
        return None
    told = _WFDB_DATE.fullmatch(acquired.strip())
    text = acquired.strip()
    if told:
        clock = (told["clock"] or "0:00").rjust(8 if (told["clock"] or "").count(":") == 2 else 5, "0")
        text = f"{told['year']}-{int(told['month']):02}-{int(told['day']):02}T{clock}"
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None


def _identifiers(recording: Recording) -> list[tuple[str, str]]:
    """All identifiers, those of the recording's own fields included, none twice."""
    found = dict.fromkeys(recording.identifiers)
    own = (
        ("patient id", recording.patient),
        ("acquisition date", _iso(recording.acquired)),
        ("device serial", recording.acquisition.serial),
        (FILE_NAME, recording.source_name),
    )
    known = {(kind, _bare(text)) for kind, text in found}
    for kind, text in own:
        dated = kind == "acquisition date" and any(k == kind for k, _ in known)
        if text and not dated and (kind, _bare(text)) not in known:
            found[kind, text] = None
    return list(found)


def _bare(text: str) -> str:
    return text.strip().casefold()


def _iso(acquired: str | None) -> str | None:
    moment = moment_of(acquired)
    return moment.isoformat() if moment else acquired


def _date(recording: Recording, policy: Deidentification, key: bytes | None) -> str | None:
    year = year_of(recording.acquired)
    if policy.dates == "year" or key is None:
        return None if year is None else str(year)
    moment = moment_of(recording.acquired)
    if moment is None:
        return None if year is None else str(year)
    shift = date_shift(key, recording.patient or recording.record_id)
    return (moment + shift).isoformat(timespec="minutes")


def _statement(statement: Statement, policy: Deidentification, signs: set[str], counts: Counter[str]) -> Statement:
    kept = statement
    if statement.text and not (policy.keep_free_text and not signs & signs_in(statement.text)):
        counts["free text"] += 1
        kept = replace(kept, text="")
    if signs and signs & signs_in(" | ".join((kept.code, kept.system, kept.source))):
        counts["free text"] += 1
        kept = replace(kept, code="", source="device", system="")
    return kept


def _acquisition(told: Acquisition, key: bytes | None, signs: set[str], counts: Counter[str]) -> Acquisition:
    """The device with its serial hashed; a field in which an identifier of the file stands is emptied."""
    kept: dict[str, Any] = {"serial": device_pseudonym(key, told.serial) if key and told.serial else ""}
    for name in ("maker", "model", "firmware", "setting"):
        if (text := getattr(told, name)) and signs and signs & signs_in(text):
            kept[name] = ""
            counts["free text"] += 1
    return replace(told, **kept)


def _refuse_leftovers(clean: Recording, signs: set[str]) -> None:
    left = leftovers(told_texts(clean).values(), signs)
    if left:
        raise WorldError(
            "recording", "an identifier was left in what would be kept of it", "Report it: its reader must be corrected"
        )


def leftovers(texts: Iterable[str], signs: set[str]) -> int:
    """In how many of the texts one of these signs still stands."""
    return sum(bool(signs & signs_in(text)) for text in texts) if signs else 0
