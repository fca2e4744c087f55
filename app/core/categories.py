"""Answers in words: what they mean as labels, by a table that somebody signs.

A word that stands for no label must be said to: only then does its absence from a label mean "no".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.core.label_sheet import read_table
from app.core.words import counted
from engine.contract.errors import UsageError

SHOWN, LONGEST = 8, 40
"""Words that a refusal shows, and of how many characters at most: free text may say who a patient is."""


@dataclass(frozen=True)
class CategoryMap:
    """What words mean.

    Attributes:
        meanings: by word, in lower case: the labels that it stands for; none where it stands for no label.
        signed_by: whose word that is.
        written: the words as they were written.
    """

    meanings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    signed_by: str = ""
    written: Mapping[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels that words stand for, in their order."""
        return tuple(dict.fromkeys(label for told in self.meanings.values() for label in told))

    @property
    def lines(self) -> list[str]:
        """The table, one line a word."""
        return [f"{self.written[word]} = {', '.join(told) or 'no label'}" for word, told in self.meanings.items()]


def category_map(pairs: Iterable[str], signed_by: str, table: Path | None = None) -> CategoryMap:
    """The map that pairs "WORD=LABEL" and a table of them make; "WORD=" stands for no label.

    Raises:
        UsageError: a pair is none, or nobody signs.
        WorldError: the table cannot be read.
    """
    told = [_pair(text) for text in pairs]
    if table is not None:
        rows = read_table(table, "mapping table", ("category", "label"))[2]
        told += [(cells["category"], cells["label"]) for _, cells in rows]
    if told and not signed_by.strip():
        reason = "a table of what words mean counts once somebody has signed it"
        raise UsageError("mapping", reason, "Say whose word it is: --mapped-by NAME")
    meanings: dict[str, tuple[str, ...]] = {}
    written: dict[str, str] = {}
    for word, label in told:
        key = word.strip().casefold()
        written.setdefault(key, word.strip())
        meanings[key] = tuple(dict.fromkeys((*meanings.get(key, ()), *([label.strip()] if label.strip() else []))))
    return CategoryMap(meanings, signed_by.strip(), written)


def refuse_unmapped(words: Mapping[str, int] | Counter[str], known: CategoryMap) -> None:
    """Words in a file that the map says nothing of. Raises UsageError that shows those that are no free text."""
    absent = {word: count for word, count in words.items() if word.casefold() not in known.meanings}
    if not absent:
        return
    often = sorted(
        (word for word, count in absent.items() if count > 1 and len(word) <= LONGEST), key=absent.__getitem__
    )
    shown = often[::-1][:SHOWN]
    some = f": {', '.join(repr(word) for word in shown)}{' ...' if len(absent) > len(shown) else ''}" if shown else ""
    example = shown[0] if shown else "WORD"
    reason = f"{counted(len(absent), 'word')} in it mapped to nothing{some}"
    raise UsageError(
        "predictions", reason, f"Say what each means: --map '{example}=LABEL', or '{example}=' for no label"
    )


def flags_of(words: Sequence[str], label: str, known: CategoryMap) -> float:
    """Whether any of a recording's words stands for a label: 1 or 0; words are known to the map."""
    return float(any(label in known.meanings[word.casefold()] for word in words))


def _pair(text: str) -> tuple[str, str]:
    word, mark, label = text.rpartition("=")
    if not mark or not word.strip():
        raise UsageError(f"--map '{text}'", "it is no pair", "Write it like --map 'AF=atrial fibrillation'")
    return word, label
