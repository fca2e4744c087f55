"""Pseudonyms of patients: a keyed hash, so that nobody without the workspace's key can go back or across sites."""

from __future__ import annotations

import hashlib
import hmac


def pseudonym(key: bytes, patient_id: str) -> str:
    """The pseudonym of a patient id: 'p' and 12 hexadecimal digits of HMAC-SHA256 under the workspace's key."""
    return _keyed(key, b"patient\0" + patient_id.strip().encode("utf-8", "surrogateescape"))


def lone_pseudonym(key: bytes, record_id: str) -> str:
    """The pseudonym of a recording whose patient is not known: it counts as a patient of its own."""
    return _keyed(key, b"record\0" + record_id.encode())


def _keyed(key: bytes, what: bytes) -> str:
    return "p" + hmac.new(key, what, hashlib.sha256).hexdigest()[:12]
