"""Readers that hang, crash, stumble or eat memory, for the processes of an import in tests: they must be importable."""

import os
import signal
import time
from dataclasses import replace

import numpy as np

from engine.contract.config import ImportConfig
from engine.data import reading
from engine.data.reading import Reading
from engine.signal.acquisition import ExtraLeads

READ = Reading(ImportConfig(store=""))


def stumbling(index, source):
    """A bug at the second file, with a name in its message."""
    real = reading.read_recording

    def stumble(path, mapping=None):
        raise KeyError("Meier")

    reading.read_recording = stumble if index == 1 else real
    try:
        return READ(index, source)
    finally:
        reading.read_recording = real


def busy_loop(index, source):
    """Never comes back from file 1."""
    while index == 1:
        pass
    return READ(index, source)


def sleeping(index, source):
    """Sleeps over file 1 without using the processor."""
    time.sleep(3600 if index == 1 else 0)
    return READ(index, source)


def crashing(index, source):
    """Dies at files 1 and 4, as a library with a fault in C does."""
    if index in (1, 4):
        os.kill(os.getpid(), signal.SIGSEGV)
    return READ(index, source)


def eating(index, source):
    """Wants more memory than any file may."""
    real = reading.read_recording

    def eat(path, mapping=None):
        return bytearray(64 * 2**30)

    reading.read_recording = eat if index == 1 else real
    try:
        return READ(index, source)
    finally:
        reading.read_recording = real


def uneven(index, source):
    """The earlier a file, the longer it takes."""
    time.sleep(max(0.0, 0.25 - 0.02 * index))
    return READ(index, source)


def printing(index, source):
    """A library that talks."""
    print("patient Meier", flush=True)
    os.write(2, b"patient Meier\n")
    return READ(index, source)


def dying_at_start(index, source):
    """Never called: the process ends before."""
    raise AssertionError


def with_further_leads(index, source):
    """A file of fourteen leads."""
    outcome = READ(index, source)
    further = ExtraLeads(("V7", "V4R"), np.full((2, outcome.recording.samples), 0.25 + index, dtype=np.float32))
    return replace(outcome, recording=replace(outcome.recording, extra=further))


class Unloadable:
    """A reading that no process can take over."""

    def __call__(self, index, source):
        """Never called."""

    def __reduce__(self):
        return _refuse, ()


def _refuse():
    os._exit(3)
