"""How a vendor's code is shut in while it works: limits, and what isolates it on this machine, told honestly."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engine.contract.page import Page

GIB = 2**30
MIB = 2**20

Confinement = Literal["bubblewrap", "namespaces", "landlock", "job object", "none"]
"""Ways of shutting a process in, from strongest to none; each brings the layers below it that the system knows."""

Count = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0)]


class Limits(Page):
    """What a vendor's process may use. Whoever goes beyond is ended, with all processes that it started."""

    memory_bytes: Count = Field(4 * GIB, description="Resident memory of all its processes together.")
    cpu_s: Seconds = Field(600.0, description="CPU time of all its processes from the start of a call to the next.")
    start_s: Seconds = Field(60.0, description="Time to start and to load the model.")
    call_s: Seconds = Field(120.0, description="Time for one request.")
    scratch_bytes: Count = Field(GIB, description="Size of its scratch folder, which lies in memory where it can.")
    processes: Count = Field(64, description="Processes and threads alive at once.")
    output_bytes: Count = Field(256 * MIB, description="Size of one answer, and of all that it writes for people.")


class SandboxState(Page):
    """What isolates a vendor's process here.

    Attributes:
        means: the layers in force, strongest first, by the names of the field ("bubblewrap", "seccomp filter").
        complete: whether nothing is missing: no network, none of the machine's files but the libraries it needs
            (read-only), no other process in reach, limits of memory, processes, time and disk.
        missing: what is not confined, each in words for the window; empty when complete.
    """

    means: tuple[str, ...]
    complete: bool
    missing: tuple[str, ...] = ()

    @property
    def in_words(self) -> str:
        """One sentence for the window."""
        if self.complete:
            return (
                "Fully isolated: no network, read-only files but for a scratch folder of its own, nothing of the "
                "workspace or the home folder, limits of memory, processes, time and disk"
            )
        if not self.means:
            return f"Not isolated: {'; '.join(self.missing)}"
        return f"Not fully isolated: {'; '.join(self.missing)}"
