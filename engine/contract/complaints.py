"""What a config schema complains of, in the user's words: the place as it is written, and what is wrong there."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from engine.contract.page import BOOLEAN

MESSAGES = {
    "int_parsing": "a whole number is needed",
    "int_parsing_size": "a whole number is needed",
    "int_type": "a whole number is needed",
    "int_from_float": "a whole number is needed",
    "float_parsing": "a number is needed",
    "float_type": "a number is needed",
    "finite_number": "a finite number is needed",
    "bool_parsing": "true or false is needed",
    "bool_type": "true or false is needed",
    "string_type": "text is needed",
    "string_too_short": "it may not be empty",
    "tuple_type": "a list is needed",
    "too_short": "choose at least one",
    "dict_type": "a table of settings is needed",
    "model_type": "a table of settings is needed",
    "model_attributes_type": "a table of settings is needed",
    "union_tag_not_found": "it must say its name",
    "extra_forbidden": "there is no such setting",
    "missing": "it is needed",
}
"""Pydantic's complaints in the user's words; those with a bound are phrased by `complaint`."""

BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
    "multiple_of": ("a multiple of", "multiple_of"),
}

_VARIANTS = ("backbone", "objective", "model")
_TABLES_OF_VARIANTS = ("backbones", "objectives")
_TYPES = ("str", "int", "float")


def complaint(fault: ErrorDetails, known: Collection[str] = ()) -> str:
    """One of pydantic's complaints in the user's words.

    Args:
        fault: the complaint.
        known: names of settings that there are; an unknown one is told the nearest of them.
    """
    kind, context = fault["type"], fault.get("ctx", {})
    if kind in BOUNDS:
        word, key = BOUNDS[kind]
        bound = context.get(key)
        return f"it must be {word} {bound:,}" if isinstance(bound, int) else f"it must be {word} {bound:g}"
    if kind == "string_too_long":
        return f"it must have at most {context['max_length']} characters"
    if kind == "literal_error":
        return f"it must be {context['expected']}"
    if kind == "union_tag_invalid":
        return f"'{context['tag']}' is not known; choose one of {context['expected_tags']}"
    if kind == "extra_forbidden":
        asked = str(fault["loc"][-1])
        near = [] if asked in known else get_close_matches(asked, known, n=1)
        return f"{MESSAGES[kind]} (did you mean {near[0]}?)" if near else f"{MESSAGES[kind]} here"
    return MESSAGES.get(kind) or fault["msg"].removeprefix("Value error, ")


def place(fault: ErrorDetails, kinds: Collection[str] = ()) -> str:
    """The dotted place of a fault as a user writes it; empty for the config as a whole.

    Pydantic also names the variant that it tried ("pretrain.objective.cpc.offsets"); a user does not.

    Args:
        fault: the complaint.
        kinds: variants that the config as a whole may be.
    """
    parts = [str(part) for part in fault["loc"]]
    if fault["type"] == BOOLEAN:  # told by the page, of one of its fields
        parts.append(str(fault["ctx"]["field"]))
    if parts and parts[0] in kinds:
        parts = parts[1:]
    told: list[str] = []
    for number, part in enumerate(parts):
        of_entry = number > 1 and parts[number - 2] in _TABLES_OF_VARIANTS
        of_field = number > 0 and parts[number - 1] in _VARIANTS
        of_value = number == len(parts) - 1 and number > 0 and part in _TYPES
        if not (of_entry or of_field or of_value):
            told.append(part)
    return ".".join(told)


def complaints(error: ValidationError, known: Collection[str] = (), kinds: Collection[str] = ()) -> str:
    """All faults in one line, `place: what is wrong there; place: ...`, each place once."""
    told: dict[str, list[str]] = {}
    for fault in error.errors(include_url=False, include_input=False):
        words = told.setdefault(place(fault, kinds), [])
        if (word := complaint(fault, known)) not in words:
            words.append(word)
    return "; ".join(f"{where}: {' or '.join(words)}" if where else " or ".join(words) for where, words in told.items())
