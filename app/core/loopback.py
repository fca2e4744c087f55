"""Addresses on this machine: the only ones that recordings may be sent to, and that by somebody's explicit word."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from engine.contract.errors import UsageError

_HOW = "Give an address like http://127.0.0.1:8000/predict"


def loopback_address(text: str) -> str:
    """The address, if it is an http address on this machine.

    Only numbers and "localhost" count as this machine: what another name means is for others to say.

    Raises:
        UsageError: any other address; recordings leave this machine for nobody.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise UsageError("endpoint", "it is no address", _HOW) from None
    if parts.scheme != "http" or not host:
        raise UsageError("endpoint", "it is no http address", _HOW)
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise UsageError("endpoint", "it holds more than host, port and path", _HOW)
    if not _is_here(host):
        reason = "it is not on this machine, and recordings are sent nowhere else"
        raise UsageError("endpoint", reason, f"Run the service here. {_HOW}")
    if port == 0:
        raise UsageError("endpoint", "it has no port", _HOW)
    return text.strip()


def _is_here(host: str) -> bool:
    if host.casefold() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
