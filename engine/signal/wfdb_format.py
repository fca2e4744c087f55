"""WFDB recordings: header and signal files to a `Recording`.

The plain case (one segment, formats 16, 61 and 212, any byte offset, so also the .mat files of the PhysioNet
challenges) is read here, about 30 times as fast as by the wfdb package, 23 to 27 times where there is no compiled code
(tests/benchmarks/bench_wfdb.py); all else goes through `wfdb_fallback`.

Shapes: C channels of a file, T samples, 12 canonical leads.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.native import samples as compiled
from engine.signal.acquisition import ExtraLeads
from engine.signal.assemble import EXTRA
from engine.signal.leads import CANONICAL, Recipe
from engine.signal.own_reader import own_reader
from engine.signal.recording import Recording
from engine.signal.wfdb_comments import read_comments
from engine.signal.wfdb_header import Header, SignalLine, parse_header, refusal
from engine.signal.wfdb_layout import Layout, Scale, layout_of, recipes_of
from engine.signal.wfdb_samples import checksums, decode, stored_samples

MAX_HEADER_BYTES = 2**20
MAX_SIGNAL_BYTES = 2**30
WARM_BYTES = 2**23
# The C library hands blocks above a threshold back to the system at once and takes new pages for the next recording;
# that was half of the time of a read. Freeing one large block, never touched, moves the threshold (glibc, mallopt(3):
# M_MMAP_THRESHOLD is dynamic); elsewhere it does nothing.
del (_warm := [np.empty(WARM_BYTES, dtype=np.uint8)])[0]

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True)
class Channels:
    """What a signal reader hands over: rows of the twelve leads that were in the file, still in file units.

    signal_CT: [12, T] float32 millivolts, NaN where missing. steps_per_mv: [12], NaN where the file held no integers.
    measured: the leads that were in the file. extra: leads beyond the twelve.
    """

    signal_CT: NDArray[np.float32]
    steps_per_mv: NDArray[np.float64]
    digest: str
    format: str
    measured: frozenset[str]
    extra: ExtraLeads | None = None


def read_wfdb(path: Path, digest: bool = True) -> Recording:
    """Read the record whose header is `path`.

    Args:
        path: the .hea file.
        digest: whether to hash the files; that is a third of the time.

    Raises:
        WorldError: the header or a signal file is missing, damaged, contradictory, or holds no twelve-lead ECG.
    """
    block = read_whole(path, MAX_HEADER_BYTES, "header")
    header = parse_header(block)
    layout = layout_of(header.signals)
    if layout.plain:
        channels = _read_plain(path, header, block, layout, digest)
    else:
        from engine.signal.wfdb_fallback import read_other

        channels = read_other(path, header, block)
    return _recording(path, header, channels)


def read_whole(path: Path, limit: int, what: str) -> bytes:
    """All bytes of a regular file. Raises WorldError where there is none, it may not be read, or it is too large."""
    try:
        descriptor = os.open(path, _READ)  # a pipe would be waited for: not blocking, and told below
        try:
            told = os.fstat(descriptor)
            if not stat.S_ISREG(told.st_mode):
                raise refusal(f"its {what} is no regular file", "Name a file")
            if told.st_size > limit:
                raise refusal(f"its {what} is larger than {limit // 2**20} MiB", "Cut it into shorter recordings")
            return _all_of(descriptor, told.st_size)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise refusal(f"its {what} is missing", f"Put the {what} beside the other files of the record") from None
    except OSError as error:
        raise refusal(
            f"its {what} cannot be read ({type(error).__name__})", "Check the permissions and the disk"
        ) from None


def _all_of(descriptor: int, size: int) -> bytes:
    content = os.read(descriptor, size + 1)
    while len(content) < size:  # one call may give less
        more = os.read(descriptor, size - len(content))
        if not more:
            break
        content += more
    return content


def check_sums(signals: list[SignalLine], found: NDArray[np.uint16]) -> None:
    """Compare with the header's checksums. Raises WorldError when one differs."""
    totals = found.tolist()
    if [line.checksum for line in signals] == totals:
        return
    if all(line.checksum in (None, 0) and not line.initial for line in signals):
        return  # not filled in by the program that wrote the header
    for line, total in zip(signals, totals, strict=True):
        if line.checksum is not None and line.checksum % 65536 != total:
            raise refusal("its samples do not match the checksum in its header", "Copy or export the record again")


def _read_plain(path: Path, header: Header, block: bytes, layout: Layout, digest: bool) -> Channels:
    seen = hashlib.sha256(block) if digest else None
    parts: list[tuple[list[int], NDArray[np.float32]]] = []
    extra: dict[str, NDArray[np.float32]] = {}
    for plan in layout.files:
        lines = [header.signals[channel] for channel in plan.channels]
        content = read_whole(path.with_name(lines[0].file), MAX_SIGNAL_BYTES, "signal file")
        if seen is not None:
            seen.update(content)
        steps_TC = _steps(lines, content, header)
        for lead, scale in plan.aside:
            extra[lead] = to_millivolts(steps_TC, scale)[0]
        if plan.leads is not None:
            parts.append((plan.rows, to_millivolts(steps_TC, plan.leads)))
    signal_CT = _stack(parts)
    return Channels(
        signal_CT,
        layout.steps_per_mv.copy(),
        seen.hexdigest() if seen is not None else "",
        layout.format,
        layout.measured,
        aside_of(extra, signal_CT.shape[1]),
    )


def aside_of(extra: dict[str, NDArray[np.float32]], length: int) -> ExtraLeads | None:
    """The leads beyond the twelve that are as long as these; None where there is none."""
    leads = tuple(lead for lead in EXTRA if lead in extra and len(extra[lead]) == length)
    return ExtraLeads(leads, np.stack([extra[lead] for lead in leads])) if leads else None


def _stack(parts: list[tuple[list[int], NDArray[np.float32]]]) -> NDArray[np.float32]:
    if len({part.shape[1] for _, part in parts}) != 1:
        raise refusal("its signal files differ in length")
    if len(parts) == 1 and parts[0][0] == list(range(len(CANONICAL))):
        return parts[0][1]
    signal_CT = np.full((len(CANONICAL), parts[0][1].shape[1]), np.nan, dtype=np.float32)
    for rows, part in parts:
        signal_CT[rows] = part
    return signal_CT


def _steps(lines: list[SignalLine], content: bytes, header: Header) -> NDArray[np.int16]:
    """The samples of one file, [T, C], after all that header and file say of each other has been compared."""
    code, offset, channels = lines[0].format, lines[0].offset, len(lines)
    held = stored_samples(code, max(len(content) - offset, 0)) // channels
    length = header.length or held
    if not held:
        raise refusal("its signal file is empty")
    if held < length:
        raise refusal(
            f"its signal file ends after {held / header.rate_hz:.1f} s, the header announces "
            f"{length / header.rate_hz:.1f} s",
            "Copy the signal file again",
        )
    steps_TC = decode(code, memoryview(content)[offset:], length * channels).reshape(length, channels)
    stated = [line.checksum for line in lines if line.checksum is not None]
    if held > length and not (stated and _sums_agree(lines, steps_TC)):
        raise refusal(
            f"its signal file holds {held / header.rate_hz:.1f} s, "
            f"the header announces {length / header.rate_hz:.1f} s",
            "Correct the header or export the record again",
        )
    check_sums(lines, checksums(steps_TC))
    return steps_TC


def _sums_agree(lines: list[SignalLine], steps_TC: NDArray[np.int16]) -> bool:
    found = checksums(steps_TC)
    return all(n.checksum is not None and n.checksum % 65536 == int(s) for n, s in zip(lines, found, strict=True))


def to_millivolts(steps_TC: NDArray[np.int16], scale: Scale) -> NDArray[np.float32]:
    """Integer samples of the chosen columns as float32 millivolts [leads, T], NaN where missing.

    Dividing float32 by float32 rounds once, so the result is the float32 nearest to the true quotient.
    """
    chosen_TC = steps_TC if scale.columns is None else np.ascontiguousarray(steps_TC[:, scale.columns])
    if compiled.ready():
        return compiled.millivolts(chosen_TC, scale.missing, scale.baseline_C, scale.gain_C)
    signal_CT = np.empty(chosen_TC.shape[::-1], dtype=np.float32)
    signal_CT[:] = np.ascontiguousarray(chosen_TC.T)
    if chosen_TC.min() == scale.missing:
        signal_CT[signal_CT == scale.missing] = np.nan
    if scale.baseline_C is not None:
        signal_CT -= scale.baseline_C[:, None]
    signal_CT /= scale.gain_C[:, None]
    return signal_CT


def _recording(path: Path, header: Header, channels: Channels) -> Recording:
    signal_CT, steps = channels.signal_CT, channels.steps_per_mv
    recipes = recipes_of(channels.measured)
    for lead, recipe in recipes:
        row = CANONICAL.index(lead)
        signal_CT[row] = sum(np.float32(w) * signal_CT[CANONICAL.index(source)] for source, w in recipe)
        steps[row] = max(steps[CANONICAL.index(source)] for source, _ in recipe) * (2 if lead.startswith("a") else 1)
    told = read_comments(header.comments)
    resolution = 1.0 / steps  # of leads that are there; a gain of 0 was refused, NaN stays NaN
    return Recording(
        signal_CT=signal_CT,
        rate_hz=header.rate_hz,
        present=_have_samples(signal_CT),
        derived=tuple(lead for lead, _ in recipes),
        resolution_mv=None if np.isnan(resolution).any() else resolution,
        format=channels.format,
        file_sha256=channels.digest,
        source_name=path.stem,
        age=told.age,
        sex=told.sex,
        acquired=header.acquired or told.acquired,
        statements=told.statements,
        identifiers=told.identifiers,
        extra=channels.extra,
        reader=own_reader("wfdb"),
        transformations=_done(recipes),
    )


def _done(recipes: tuple[tuple[str, Recipe], ...]) -> tuple[str, ...]:
    leads = ", ".join(lead for lead, _ in recipes)
    return (f"{leads} derived from the other limb leads",) if recipes else ()


def _have_samples(signal_CT: NDArray[np.float32]) -> tuple[bool, ...]:
    if not np.isnan(signal_CT[:, 0]).any():
        return (True,) * len(CANONICAL)
    return tuple(not bool(np.isnan(lead_T).all()) for lead_T in signal_CT)
