"""What identifiers look like in text: normalised words and sequences of them.

So case, accents, order, spacing and punctuation hide nothing.

An identifier leaves signs ("w meier", "s anna meier", "q 12345678", "d 1931-04-12"); a text shows signs; where the two
share one, the text holds the identifier. Between files and exports only keyed hashes of the signs are kept, never the
words.

    w  one word of a name            s  words in sequence, whatever stands between them
    d  a date, however it is spelled q  an unbroken run, letters and digits, with nothing or one of - . / _ between

What is too short or too common to be told from ordinary text leaves no sign: words that Isoline uses itself (see
`engine.signal.ordinary`), names below three letters, numbers below six digits.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import permutations

from engine.signal.ordinary import ORDINARY

PERSONS = ("patient name", "person")
DATES = ("birth date", "acquisition date")
LONGEST = 8
"""Words of a sequence."""
SHINGLE = 4
"""Words of a sequence by which free text is known again."""
MOST_SHINGLES = 32
DIGITS = 6
"""A number with fewer digits is found everywhere."""

_PIECE = re.compile(r"[^\W\d_]+|\d+")
_APOSTROPHE = re.compile(r"(?<=[^\W\d_])['’`´](?=[^\W\d_])")
_DIGEST = re.compile(r"\b[a-z]?(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{12,}\b")
_STAMP = re.compile(r"\b(\d{4}-\d\d-\d\d)[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?(?!\d)", re.IGNORECASE)
_FRACTION = re.compile(r"(?<![\w.])-?(?:0\.\d+|\d\.\d{9,}|\d+\.\d{10,})(?:e[+-]?\d+)?(?![\w.])")
_TIGHT = frozenset(["", "-", ".", "/", "_"])
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "ð": "d", "þ": "th"})
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar",
            "february feb februar",
            "march mar marz maerz",
            "april apr",
            "may mai",
            "june jun juni",
            "july jul juli",
            "august aug",
            "september sep sept",
            "october oct oktober okt",
            "november nov",
            "december dec dezember dez",
        ),
        start=1,
    )
    for name in names.split()
}


@dataclass(frozen=True)
class Piece:
    """A run of letters or of digits, normalised; `tight` when it follows the one before it without a real gap."""

    text: str
    tight: bool


def signs_of(kind: str, text: str) -> set[str]:
    """What one identifier leaves to be searched for; empty when it cannot be told from ordinary text.

    Args:
        kind: one of `IDENTIFIER_KINDS`, or "file name".
        text: as found in the file.
    """
    if kind in DATES:
        return {sign for sign in signs_in(text) if sign.startswith("d ")}
    spellings = {folded(text), folded(text.casefold().translate(_UMLAUTS))}
    found: set[str] = set()
    for spelling in spellings:
        words = [piece.text for piece in _pieces(spelling)]
        if kind in PERSONS:
            found |= _signs_of_name(words)
        elif kind == "free text":
            found |= _signs_of_prose(words)
        else:
            found |= _signs_of_whole(words)
    return found


def signs_in(text: str) -> set[str]:
    """All signs that a text shows, of whatever identifier they may be."""
    text = folded(text)
    found: set[str] = set()

    def dated(match: re.Match[str]) -> str:
        found.add(f"d {match[1]}")
        return " "

    text = _FRACTION.sub(" ", _DIGEST.sub(_whole_digest(found), _STAMP.sub(dated, text)))
    pieces = list(_pieces(text))
    words = [piece.text for piece in pieces]
    for start, piece in enumerate(pieces):
        found.add(f"w {piece.text}")
        _add_runs(found, pieces, start)
        for end in range(start + 2, min(start + LONGEST, len(words)) + 1):
            found.add("s " + " ".join(words[start:end]))
        found.update(_dates_at(words, start))
    return found


def folded(text: str) -> str:
    """Text without case, accents and apostrophes.

    >>> folded("O’Brien, ZOË Łukasz")
    'obrien, zoe lukasz'
    """
    if text.isascii():
        return _APOSTROPHE.sub("", text.casefold())
    bare = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(sign for sign in bare if not unicodedata.combining(sign)).translate(_LETTERS)
    return _APOSTROPHE.sub("", bare)


def hashed(key: bytes, sign: str) -> int:
    """The keyed hash of a sign: 64 bits, as SQLite keeps them (signed)."""
    return int.from_bytes(hashlib.blake2b(sign.encode(), key=key, digest_size=8).digest(), "big", signed=True)


@lru_cache(maxsize=4096)
def marks_of(key: bytes, kind: str, text: str) -> frozenset[int]:
    """Keyed hashes of the signs of one identifier. The same hospital stands in many files, hence the cache."""
    return frozenset(hashed(key, sign) for sign in signs_of(kind, text))


def _pieces(text: str) -> Iterator[Piece]:
    """Runs of letters and runs of digits of a folded text."""
    end = 0
    for match in _PIECE.finditer(text):
        yield Piece(match[0], match.start() > 0 and text[end : match.start()] in _TIGHT)
        end = match.end()


def _add_runs(found: set[str], pieces: list[Piece], start: int) -> None:
    run = pieces[start].text
    found.add(f"q {run}")
    for piece in pieces[start + 1 : start + LONGEST]:
        if not piece.tight:
            return
        run += piece.text
        found.add(f"q {run}")


def _whole_digest(found: set[str]) -> Callable[[re.Match[str]], str]:
    """A long hexadecimal number counts as a whole: its stretches of digits are no numbers."""

    def whole(match: re.Match[str]) -> str:
        found.add(f"q {match[0]}")
        return " "

    return whole


def _signs_of_name(words: list[str]) -> set[str]:
    words = [word for word in words if word.isalpha()][:LONGEST]
    found = {f"w {word}" for word in words if len(word) > 2 and word not in ORDINARY}
    for one, other in permutations(words, 2):
        if len(one) + len(other) > 4 and not (one in ORDINARY and other in ORDINARY):
            found |= {f"s {one} {other}", f"q {one}{other}"}
    return found


def _signs_of_prose(words: list[str]) -> set[str]:
    found: set[str] = set()
    for start in range(min(len(words) - SHINGLE + 1, MOST_SHINGLES)):
        part = words[start : start + SHINGLE]
        if any(word.isalpha() and len(word) > 3 and word not in ORDINARY for word in part):
            found.add("s " + " ".join(part))
    return found | {f"q {word}" for word in words if word.isdigit() and len(word.lstrip("0")) >= DIGITS}


def _signs_of_whole(words: list[str]) -> set[str]:
    """Signs of an id, a serial number, an institution: all of its words in order."""
    words = words[:LONGEST]
    if not _tells(words):
        return set()
    run = "".join(words)
    found = {f"q {run}"} | ({"s " + " ".join(words)} if len(words) > 1 else set())
    if run.isdigit() and len(run.lstrip("0")) >= DIGITS:
        found.add(f"q {run.lstrip('0')}")
    return found


def _tells(words: list[str]) -> bool:
    """Whether a sequence can be told from ordinary text."""
    digits = sum(len(word) for word in words if word.isdigit())
    letters = sum(len(word) for word in words) - digits
    if any(word.isdigit() and len(word) >= DIGITS for word in words) or (len(words) > 1 and digits >= DIGITS + 2):
        return True
    if letters and digits >= 4 and letters + digits >= DIGITS:
        return True
    return any(word.isalpha() and len(word) > 3 and word not in ORDINARY for word in words)


def _dates_at(words: list[str], start: int) -> Iterable[str]:
    word = words[start]
    if len(word) == 8 and word.isdigit():
        triples = [(word[:4], word[4:6], word[6:]), (word[4:], word[2:4], word[:2]), (word[4:], word[:2], word[2:4])]
        return _days(triples)
    if start + 3 > len(words):
        return ()
    one, two, three = words[start : start + 3]
    if len(one) == 4 and one.isdigit():
        return _days([(one, two, three)])
    if len(three) == 4 and three.isdigit():
        return _days([(three, two, one), (three, one, two)])
    return ()


def _days(triples: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """Signs of those (year, month, day) that the calendar has."""
    for year, month, day in triples:
        number = _MONTHS.get(month) or (int(month) if month.isdigit() and len(month) < 3 else 0)
        if number and day.isdigit() and len(day) < 3 and 1850 <= int(year) <= 2200:
            try:
                yield f"d {date(int(year), number, int(day)).isoformat()}"
            except ValueError:
                continue
