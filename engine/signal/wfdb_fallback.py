"""WFDB records that we do not decode ourselves: other formats, several samples a frame, skew, segments.

The wfdb package does it, slower. It gets nothing but names of files that were checked to lie beside the header, and it
never reaches the network. It is imported here and only when it is needed: it takes a second and much memory.

Shapes: C channels, T samples, 12 canonical leads.
"""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.signal.acquisition import ExtraLeads
from engine.signal.leads import CANONICAL
from engine.signal.wfdb_format import (
    MAX_HEADER_BYTES,
    MAX_SIGNAL_BYTES,
    Channels,
    aside_of,
    check_sums,
    read_whole,
)
from engine.signal.wfdb_header import Header, SignalLine, millivolts_in, parse_header, refusal
from engine.signal.wfdb_layout import beyond_of, check_gain, has_gain, one_of_twelve, rows_of
from engine.signal.wfdb_samples import MISSING

EMPTY_SEGMENT = "~"
MAX_JOINED_SAMPLES = 50_000_000
"""More than a day at 500 Hz; the package makes room for eight bytes a sample and lead."""
BITS = {"8": 8, "16": 16, "24": 24, "32": 32, "61": 16, "80": 8, "160": 16, "212": 12, "310": 10, "311": 10}
"""Bits a sample takes at least."""
COMPRESSED = ("508", "516", "524")
"""Formats in FLAC: nobody knows how many bits a sample takes before it is read."""
MARGIN_BITS = 64
"""The packed formats may leave out the padding of the last group."""


def read_other(path: Path, header: Header, block: bytes) -> Channels:
    """Read the record of `header` through the wfdb package.

    Raises:
        WorldError: a file is missing or damaged, or the package cannot read it.
    """
    if header.segments:
        return _read_segments(path, header, block)
    rows = rows_of(header.signals)
    _check_formats(header)
    _check_sizes(path, header)
    digest = _digest(path, [block], header.signals)
    steps = _ask_wfdb(path, physical=False, smooth_frames=False).e_d_signal
    _check_lengths(header, steps)
    channels = [i for i in rows if header.signals[i].per_frame == 1 and not header.signals[i].skew]
    sums = np.array([int(steps[i].astype(np.int64).sum()) % 65536 for i in channels], dtype=np.uint16)
    check_sums([header.signals[i] for i in channels], sums)
    length = min(len(steps[i]) // header.signals[i].per_frame for i in rows)
    signal_CT = np.full((len(CANONICAL), length), np.nan, dtype=np.float32)
    steps_per_mv = np.full(len(CANONICAL), np.nan)
    for channel, row in rows.items():
        line = header.signals[channel]
        signal_CT[row] = _millivolts(steps[channel], line, length)
        # The mean over a frame is no whole step any more.
        steps_per_mv[row] = line.steps_per_mv if line.per_frame == 1 else np.nan
    extra = {
        lead: _millivolts(steps[channel], header.signals[channel], length)
        for channel, lead in beyond_of(header.signals).items()
        if len(steps[channel]) >= length * header.signals[channel].per_frame
    }
    codes = dict.fromkeys(header.signals[i].format for i in rows)
    format_ = f"WFDB format {', '.join(codes)}"
    return Channels(signal_CT, steps_per_mv, digest, format_, _leads(rows), aside_of(extra, length))


def _millivolts(steps: NDArray[np.integer[Any]], line: SignalLine, length: int) -> NDArray[np.float32]:
    """One channel in millivolts; several samples a frame are averaged. Skew has been taken out."""
    values = steps.astype(np.float64)
    if line.format in MISSING:
        values[steps == MISSING[line.format]] = np.nan
    frames = values[: length * line.per_frame].reshape(length, line.per_frame).mean(axis=1)
    return np.asarray((frames - line.baseline) / (line.steps_per_mv or np.nan), dtype=np.float32)


def _check_formats(header: Header) -> None:
    """Refuse signals in a format that the package does not know; it would fall over it without a word."""
    known = {*BITS, *COMPRESSED}
    foreign = sorted({line.format for line in header.signals if line.file != EMPTY_SEGMENT} - known)
    if foreign:
        raise refusal(
            f"its signals are in format {', '.join(foreign)}, which is none of WFDB's", "Export it in WFDB format 16"
        )


def _check_sizes(path: Path, header: Header) -> None:
    """Refuse a header that announces more than its files can hold, before anybody makes room for it."""
    for name in {line.file for line in header.signals} - {EMPTY_SEGMENT}:
        lines = [line for line in header.signals if line.file == name]
        frame_bits = sum(BITS.get(line.format, 0) * line.per_frame for line in lines)
        held = 8 * len(read_whole(path.with_name(name), MAX_SIGNAL_BYTES, "signal file"))
        if (header.length or 0) * frame_bits > held + MARGIN_BITS:
            seconds = held / frame_bits / header.rate_hz
            raise refusal(
                f"its signal file ends after {seconds:.1f} s, the header announces "
                f"{(header.length or 0) / header.rate_hz:.1f} s",
                "Copy the signal file again",
            )
    if (header.length or 0) > MAX_JOINED_SAMPLES:
        raise refusal(f"the header announces {header.length} samples a lead", "Cut it into shorter recordings")


def _check_lengths(header: Header, steps: list[NDArray[np.integer[Any]]]) -> None:
    if header.length is None:
        return
    held = min(len(part) // line.per_frame for part, line in zip(steps, header.signals, strict=True))
    if held < header.length:
        raise refusal(
            f"its signal file ends after {held / header.rate_hz:.1f} s, the header announces "
            f"{header.length / header.rate_hz:.1f} s",
            "Copy the signal file again",
        )


def _read_segments(path: Path, header: Header, block: bytes) -> Channels:
    if (header.length or 0) > MAX_JOINED_SAMPLES:
        raise refusal(f"the header announces {header.length} samples a lead", "Cut it into shorter recordings")
    blocks = [block]
    lines: list[SignalLine] = []
    for name in header.segments:
        if name == EMPTY_SEGMENT:
            continue
        part = read_whole(path.with_name(name + ".hea"), MAX_HEADER_BYTES, "segment header")
        inner = parse_header(part)
        if inner.segments:
            raise refusal("its segments are nested")
        _check_formats(inner)
        _check_sizes(path, inner)
        for line in inner.signals:
            lead = one_of_twelve(line.name)
            if lead is not None:
                check_gain(line, lead)  # the package takes a missing gain for 200
        blocks.append(part)
        lines += inner.signals
    # A layout segment describes channels without samples: its file is called "~".
    digest = _digest(path, blocks, tuple(line for line in lines if line.file != EMPTY_SEGMENT))
    record = _ask_wfdb(path, physical=True, smooth_frames=True)
    described = tuple(_described(record, i) for i in range(record.n_sig))
    rows = rows_of(described)
    signal_CT = np.full((len(CANONICAL), record.sig_len), np.nan, dtype=np.float32)
    for channel, row in rows.items():
        signal_CT[row] = record.p_signal[:, channel] / (described[channel].steps_per_mv or np.nan)
    # The package takes a missing gain for 200; a lead of which any segment lacks it is not kept.
    doubtful = {line.name for line in lines if not has_gain(line)}
    extra = _extra_of_segments(record, described, doubtful)
    return Channels(signal_CT, np.full(len(CANONICAL), np.nan), digest, "WFDB in segments", _leads(rows), extra)


def _extra_of_segments(record: Any, described: tuple[SignalLine, ...], doubtful: set[str]) -> ExtraLeads | None:
    """Leads beyond the twelve of joined segments, in millivolts; one without a single sample is none."""
    found = {
        lead: np.asarray(record.p_signal[:, channel] / (described[channel].steps_per_mv or np.nan), dtype=np.float32)
        for channel, lead in beyond_of(described).items()
        if described[channel].name not in doubtful
    }
    return aside_of(
        {lead: values_T for lead, values_T in found.items() if not np.isnan(values_T).all()}, record.sig_len
    )


def _described(record: Any, channel: int) -> SignalLine:
    """A channel whose values are physical already: one step is one unit."""
    factor = millivolts_in(record.units[channel])
    return SignalLine("", "", 1, 0, 0, factor and 1 / factor, 0, record.sig_name[channel] or "", None, None)


def _ask_wfdb(path: Path, physical: bool, smooth_frames: bool) -> Any:
    # An absolute local path: neither a PhysioNet folder (pn_dir) nor an address is ever asked for.
    record = str(path.resolve().with_suffix(""))
    try:
        with warnings.catch_warnings():
            # Its warnings are for its makers, and may quote the file.
            warnings.simplefilter("ignore")
            import wfdb

            return wfdb.rdrecord(record, physical=physical, smooth_frames=smooth_frames, pn_dir=None)
    except MemoryError:
        raise refusal("it is too long for this machine's memory", "Cut it into shorter recordings") from None
    except Exception as error:  # whatever a damaged file makes a foreign parser do
        raise refusal(f"the wfdb package cannot read it ({type(error).__name__})") from None


def _digest(path: Path, blocks: list[bytes], lines: tuple[SignalLine, ...]) -> str:
    digest = hashlib.sha256(b"".join(blocks))
    for name in dict.fromkeys(line.file for line in lines):
        digest.update(read_whole(path.with_name(name), MAX_SIGNAL_BYTES, "signal file"))
    return digest.hexdigest()


def _leads(rows: dict[int, int]) -> frozenset[str]:
    return frozenset(CANONICAL[row] for row in rows.values())
