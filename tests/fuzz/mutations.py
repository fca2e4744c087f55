"""Ways to spoil a file: cut, flip, overwrite, repeat, swap, and lies in numbers. Every one is a function of a seed.

A case is (seed file, number): the same number always gives the same bytes, so that a finding can be made again.
"""

from __future__ import annotations

import random
import re
import struct

EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
NUMBERS = (b"0", b"-1", b"1", b"65536", b"2147483648", b"99999999999999999999", b"1e308", b"-1e-308", b"nan", b"inf",
           b"", b"0x10", b"1e5", b"-0", b"3.5", b"12,5", b"107374182400")  # fmt: skip
WORDS = (b"../../x", b"/etc/passwd", b"\0", b"\xff\xfe", b"<", b">", b"&lol;", b"]]>", b"<!--", b"\r\n", b" " * 300,
         b"<a>" * 100, b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"%s%n", b"\xc3\x28", b"C:\\x", b"|id", b"http://localhost/",
         b"=" * 20, b"A" * 5000, b"~", b"*", b":")  # fmt: skip
HEAD = 1024


def truncations(content: bytes) -> int:
    """How many of the first cases of a seed are cuts at every byte."""
    return len(content) if len(content) <= 16384 else 0


def spoil(content: bytes, case: int, others: tuple[bytes, ...]) -> bytes:
    """The spoilt bytes of a case: first a cut at every byte (small files), then one to four random faults."""
    if case < truncations(content):
        return content[:case]
    chance = random.Random(case * 1_000_003 + len(content))
    spoilt = content
    for _ in range(chance.choice((1, 1, 1, 2, 3, 4))):
        spoilt = chance.choice(FAULTS)(spoilt, chance, others)
    return spoilt


def _place(content: bytes, chance: random.Random) -> int:
    """Headers are hit as often as the rest."""
    end = len(content) if chance.random() < 0.5 else min(HEAD, len(content))
    return chance.randrange(end) if end else 0


def flip(content: bytes, chance: random.Random, others: tuple[bytes, ...]) -> bytes:
    """One to eight bits turned."""
    spoilt = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        if spoilt:
            spoilt[_place(content, chance)] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


def overwrite(content: bytes, chance: random.Random, others: tuple[bytes, ...]) -> bytes:
    """A number of one, two, four or eight bytes set to an edge of its range."""
    at, form = _place(content, chance), chance.choice(("<B", "<H", ">H", "<I", ">I", "<Q"))
    size = struct.calcsize(form)
    value = chance.choice(EDGES) & (2 ** (8 * size) - 1)
    return content[:at] + struct.pack(form, value) + content[at + size :]


def cut(content: bytes, chance: random.Random, others: tuple[bytes, ...]) -> bytes:
    """The end, or a piece inside, taken away."""
    at = _place(content, chance)
    return content[:at] if chance.random() < 0.3 else content[:at] + content[at + chance.randint(1, 64) :]


def repeat(content: bytes, chance: random.Random, others: tuple[bytes, ...]) -> bytes:
    """A piece written twice, or many times."""
    at, size = _place(content, chance), chance.randint(1, 200)
    return content[: at + size] + content[at : at + size] * chance.choice((1, 1, 2, 50)) + content[at + size :]


def swap(content: bytes, chance: random.Random, others: tuple[bytes, ...]) -> bytes:
    """Two pieces changed for each other."""
    a, b = sorted((_place(content, chance), _place(content, chance)))
    size = min(chance.randint(1, 64), b - a)
    return content[:a] + content[b : b + size] + content[a + size : b] + content[a : a + size] + content[b + size :]


def lie(content: bytes, chance: random.Random, others: tuple[bytes, ...]) -> bytes:
    """A number that stands as text replaced by an absurd one."""
    found = list(re.finditer(rb"-?\d+(?:\.\d+)?", content[: HEAD if chance.random() < 0.5 else None]))
    if not found:
        return overwrite(content, chance, others)
    told = chance.choice(found)
    number = chance.choice(NUMBERS)
    if chance.random() < 0.5:  # fields of fixed width keep their width
        number = number[: len(told[0])].ljust(len(told[0]))
    return content[: told.start()] + number + content[told.end() :]


def plant(content: bytes, chance: random.Random, others: tuple[bytes, ...]) -> bytes:
    """A word that programs stumble over, put in or written over."""
    at, word = _place(content, chance), chance.choice(WORDS)
    return content[:at] + word + content[at + (len(word) if chance.random() < 0.5 else 0) :]


def splice(content: bytes, chance: random.Random, others: tuple[bytes, ...]) -> bytes:
    """The beginning of this file, the end of another of the same format."""
    other = chance.choice(others) if others else content
    return content[: _place(content, chance)] + other[_place(other, chance) :]


def retag(content: bytes, chance: random.Random, others: tuple[bytes, ...]) -> bytes:
    """An XML or text word taken away, doubled or changed for another word of the file."""
    found = list(re.finditer(rb"[A-Za-z_]{3,}", content[:8192]))
    if len(found) < 2:
        return flip(content, chance, others)
    one, two = chance.choice(found), chance.choice(found)
    return content[: one.start()] + chance.choice((two[0], b"", one[0] * 2)) + content[one.end() :]


FAULTS = (flip, overwrite, cut, repeat, swap, lie, lie, plant, splice, retag)
