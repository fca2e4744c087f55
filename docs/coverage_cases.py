"""Every case of docs/coverage.py."""

from __future__ import annotations

from coverage import Case
from coverage_labels import label_cases
from coverage_laws import law_cases
from coverage_layers import layer_cases
from coverage_numbers import number_cases
from coverage_repeats import repeat_cases
from coverage_shift import shift_cases


def all_cases() -> list[Case]:
    """In the order in which they are run."""
    return [*label_cases(), *number_cases(), *shift_cases(), *law_cases(), *layer_cases(), *repeat_cases()]
