"""Pseudonyms: keyed hashes, so that nobody without the workspace's key can go back or across sites."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

SHIFT_DAYS = 365
"""Dates are shifted back by 1 to this many days."""


def pseudonym(key: bytes, patient_id: str) -> str:
    """The pseudonym of a patient id: 'p' and 12 hexadecimal digits of HMAC-SHA256 under the workspace's key."""
    return "p" + _keyed(key, b"patient\0" + _bytes(patient_id.strip()))[:12]


def lone_pseudonym(key: bytes, record_id: str) -> str:
    """The pseudonym of a recording whose patient is not known: it counts as a patient of its own."""
    return "p" + _keyed(key, b"record\0" + record_id.encode())[:12]


def device_pseudonym(key: bytes, serial: str) -> str:
    """The stand-in of a device's serial number: 'd' and 12 hexadecimal digits."""
    return "d" + _keyed(key, b"device\0" + _bytes(serial.strip()))[:12]


def date_shift(key: bytes, person: str) -> timedelta:
    """By how much the dates of a person (patient id, or record id where none is known) are moved: whole days, back."""
    days = int(_keyed(key, b"shift\0" + _bytes(person.strip()))[:8], 16) % SHIFT_DAYS + 1
    return timedelta(days=-days)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _keyed(key: bytes, what: bytes) -> str:
    return hmac.new(key, what, hashlib.sha256).hexdigest()
