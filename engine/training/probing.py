"""What the loop asks of a linear probe: a callable that comes from above, since training knows nothing of evaluation.

The loop calls it at step 0, at the last step and every `config.probe.every` steps, on rank 0 only, while the other
ranks wait. A point that stands in the checkpoint is not computed again when a run goes on.
"""

from __future__ import annotations

from typing import Protocol

from engine.backbones.base import Backbone
from engine.contract.results import ProbeChange, ProbePoint


class Probe(Protocol):
    """A linear probe on a labelled cohort."""

    def __call__(self, backbone: Backbone, step: int) -> ProbePoint:
        """Probe the backbone as it stands after `step` steps.

        Args:
            backbone: in evaluation mode, on the training device; it must be left as it was.
            step: of the point; what `change` needs of it later is kept in the run folder, for runs that are cut.
        """
        ...

    def change(self, first: int, last: int) -> list[ProbeChange]:
        """Paired differences, point of step `last` minus point of step `first`, by label and for "macro"."""
        ...
