"""Model cards as files: TOML or JSON of the card's fields, read with every fault named by its field.

In a file each field may also be "unknown", or "declined" where the maker was asked and would not tell.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from app.core.eligible import FINDINGS
from engine.contract.card import UNKNOWN, Lineage, ModelCard, Output, Preprocessing
from engine.contract.complaints import complaint, place
from engine.contract.eligibility import FindingRule, parse_rule
from engine.contract.errors import UsageError, WorldError
from engine.signal.condition import AGGREGATIONS, CONSECUTIVE, SUPPORTED
from engine.signal.filtering import NONE, check_filters
from engine.signal.leads import CANONICAL
from engine.signal.normalise import CONSTANTS

DECLINED = "declined"
MOST_BYTES = 10_000_000
"""Of a card file: classes by the thousand are a hundredth of it."""

_NONE_MEANS = ("clip_mv", "stride_s")
"""Numbers that may be said to be none, for which TOML has no word."""

_SELDOM = ("means", "deviations", "stride_s")
"""Items of a contract that most models do without."""

_PAGES: tuple[type[BaseModel], ...] = (ModelCard, Preprocessing, Output, Lineage)
_FIELDS = {name for page in _PAGES for name in page.model_fields}


def read_card(path: Path) -> ModelCard:
    """The card of an external model.

    Raises:
        WorldError: the file cannot be read, or is neither TOML nor JSON.
        UsageError: it is no card; the first fault is named, and how many more there are.
    """
    told = plain_card(read_text(path))
    try:
        return ModelCard.model_validate(told)
    except ValidationError as error:
        first, *others = _complaints(error)
        more = f" (and {len(others)} more)" if others else ""
        raise UsageError("model card", f"{first}{more}", "See all: isoline model card check FILE") from None


def check_card(path: Path) -> list[str]:
    """Every fault of a card file, each with its field; none where a model can be registered with it.

    Raises:
        WorldError: the file cannot be read, or is neither TOML nor JSON.
    """
    try:
        card = ModelCard.model_validate(plain_card(read_text(path)))
    except ValidationError as error:
        return _complaints(error)
    return faults_of(card)


def faults_of(card: ModelCard) -> list[str]:
    """What a well-formed card of an external model lacks or asks for in vain, each with its field."""
    faults = [] if card.name.strip() else ["name: it may not be empty"]
    if card.preprocessing is None:
        faults.append("preprocessing: it is needed; nothing can be fed to a model without it")
    else:
        faults += [f"preprocessing.{told}" for told in _of_contract(card.preprocessing)]
    if not card.outputs:
        faults.append("outputs: it is needed; name each output that is to be read")
    names = [output.name for output in card.outputs]
    faults += [f"outputs: '{name}' is named twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    faults += [f"eligibility: {told}" for rule in card.eligibility for told in _of_rule(rule)]
    paths = field_paths()
    faults += [f"declined: the card has no field '{name}'" for name in card.declined if name not in paths]
    return faults


def with_assumptions(card: ModelCard) -> ModelCard:
    """The card with the items of its contract named that were left out, and so stand at this program's default."""
    contract = card.preprocessing
    if contract is None:
        return card
    left_out = [name for name in Preprocessing.model_fields if name not in contract.model_fields_set]
    told = [f"preprocessing.{name}" for name in left_out if name not in _SELDOM]
    if "clip_mv" in left_out:  # what our own models are fed is clipped; of a vendor's nobody has said so
        contract = contract.model_copy(update={"clip_mv": None})
    return card.model_copy(update={"preprocessing": contract, "assumed": tuple(dict.fromkeys((*card.assumed, *told)))})


def field_paths() -> set[str]:
    """All fields of a card by their dotted names, as `declined` and `assumed` name them."""
    own = set(ModelCard.model_fields)
    inner: dict[str, type[BaseModel]] = {"preprocessing": Preprocessing, "lineage": Lineage}
    return own | {f"{table}.{name}" for table, page in inner.items() for name in page.model_fields}


def read_text(path: Path) -> dict[str, Any]:
    """The table in a TOML or JSON file. Raises WorldError where it cannot be read."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise WorldError("model card", "it is far too large for a card", "Name the card's file")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = f"it cannot be read ({getattr(error, 'strerror', None) or type(error).__name__})"
        raise WorldError("model card", reason, "Check the path; write it as TOML or JSON in UTF-8") from None
    try:
        told = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        where = str(error).rpartition(" (")[2].rstrip(")") if " (" in str(error) else ""
        reason = f"it is neither TOML nor JSON{f' ({where})' if where else ''}"
        raise WorldError("model card", reason, "Begin with: isoline model card new") from None
    return dict(told)


def plain_card(told: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with "unknown" and "declined" taken in: what is declined is listed, and both leave their default."""
    declined: list[str] = []
    plain = _without_unsaid(dict(told), ModelCard, "", declined)
    plain.setdefault("source", "external")
    listed = plain.get("declined", [])
    if declined and isinstance(listed, list):  # anything else is a fault, and stays to be told as one
        plain["declined"] = list(dict.fromkeys(map(str, (*listed, *declined))))
    return plain


def _without_unsaid(table: dict[str, Any], page: type[BaseModel], prefix: str, declined: list[str]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    inner: dict[str, type[BaseModel]] = {"preprocessing": Preprocessing, "lineage": Lineage}
    for name, value in table.items():
        if name in _NONE_MEANS and isinstance(value, str) and value.strip().casefold() == "none":
            kept[name] = None
        elif isinstance(value, dict) and not prefix and name in inner:
            kept[name] = _without_unsaid(value, inner[name], f"{name}.", declined)
        elif name == "outputs" and isinstance(value, list):
            kept[name] = [_without_unsaid(one, Output, "-", []) if isinstance(one, dict) else one for one in value]
        elif not _unsaid(value):
            kept[name] = value
        elif value.strip().casefold() == DECLINED and prefix != "-":
            declined.append(f"{prefix}{name}")
    return kept


def _unsaid(value: object) -> bool:
    return isinstance(value, str) and value.strip().casefold() in (UNKNOWN, DECLINED)


def _complaints(error: ValidationError) -> list[str]:
    told: list[str] = []
    for fault in error.errors(include_url=False, include_input=False):
        where, what = place(fault), complaint(fault, _FIELDS)
        told.append(f"{where}: {what}" if where else what)
    return list(dict.fromkeys(told))


def _of_contract(contract: Preprocessing) -> Iterator[str]:
    foreign = [lead for lead in contract.leads if lead not in CANONICAL]
    if foreign or not contract.leads or len(set(contract.leads)) != len(contract.leads):
        yield f"leads: each of {' '.join(CANONICAL)} at most once, in the order in which the model takes them"
    for name, able in SUPPORTED.items():
        if getattr(contract, name) not in able:
            yield f"{name}: it must be {' or '.join(repr(text) for text in able)}"
    if contract.filters != NONE:
        try:
            check_filters(contract.filters, contract.rate_hz)
        except WorldError as error:
            yield f"filters: {error.reason}. {error.next_step}"
    if contract.normalisation == CONSTANTS and not (contract.means and contract.deviations):
        yield "normalisation: by constants, and there are no means and deviations"
    if contract.stride_s is not None and contract.aggregation == CONSECUTIVE:
        yield f"aggregation: windows with a stride overlap; it must be {' or '.join(map(repr, AGGREGATIONS[1:]))}"
    if contract.samples < 1:
        yield "window_s: at this rate it holds no sample"


def _of_rule(text: str) -> Iterator[str]:
    try:
        rule = parse_rule(text)
    except UsageError as error:
        yield f"{error.thing}: {error.reason}. {error.next_step}"
        return
    if isinstance(rule, FindingRule) and rule.finding.lower() not in FINDINGS:
        yield f"rule '{text}': there is no such finding. Findings: {', '.join(FINDINGS)}"
