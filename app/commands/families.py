"""The verb on published foundation models: `model families`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from app import printing
from app.commands.parsing import Verbs, add_json, add_verb, wants_json
from engine.contract.errors import EXIT_DONE, UsageError

if TYPE_CHECKING:
    from engine.contract.published import Family, Gap, Variant


def add(kinds: Verbs) -> None:
    """Register the verb."""
    parser = add_verb(
        kinds,
        "families",
        "list the published foundation models whose weights can be imported, and those that cannot be yet",
        [
            "isoline model families",
            "isoline model families ecg-cpc",
            "isoline model families ecgfounder/12-lead --card > card.json",
            "isoline model add weights.safetensors --card card.json -w ward7",
        ],
        _families,
    )
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="one family, or one network of it")
    parser.add_argument("--card", action="store_true", help="print the card that a network is registered with")
    add_json(parser)


def _families(arguments: argparse.Namespace) -> int:
    if arguments.card:
        from app.core.published_cards import card_text

        print(card_text(_network(arguments.name)))
        return EXIT_DONE
    from engine.contract.published_families import FAMILIES, GAPS

    if arguments.name:
        name, _, variant = arguments.name.partition("/")
        family = _family(name)
        chosen = _variant(family, variant) if variant else family.variants[0]
        print(printing.as_json(family) if wants_json(arguments) else f"{_shown(family)}\n\n{_next(family, chosen)}")
    elif wants_json(arguments):
        print(printing.as_json({"families": FAMILIES, "gaps": GAPS}))
    else:
        print(f"{_listed(FAMILIES)}\n\n{_gaps(GAPS)}")
    return EXIT_DONE


def _network(name: str) -> str:
    if not name:
        raise UsageError("--card", "no network was named", "Name one: isoline model families ecgfounder/12-lead --card")
    if "/" not in name:
        networks = " or ".join(_family(name).architectures)
        raise UsageError("--card", "a card is of one network", f"Name {networks}")
    return name


def _family(name: str) -> Family:
    from engine.contract.published_families import FAMILIES, family

    found = family(name)
    if found is None:
        raise UsageError(
            f"family {name}", "it is not listed", f"Name one of: {', '.join(one.name for one in FAMILIES)}"
        )
    return found


def _variant(family: Family, name: str) -> Variant:
    found = family.variant(name)
    if found is None:
        networks = ", ".join(family.architectures)
        raise UsageError(f"{family.title} {name}", "no network of it has this name", f"Name one of: {networks}")
    return found


def _listed(families: tuple[Family, ...]) -> str:
    heads = ("Family", "Model", "Networks", "Width", "Verified", "Commercial use", "Licence")
    rows = [
        (
            one.name,
            one.title,
            ", ".join(variant.name for variant in one.variants),
            _widths(one),
            one.verified,
            _COMMERCIAL[one.non_commercial],
            one.licence.partition(":")[0],
        )
        for one in families
    ]
    return printing.table(heads, rows, right=("Width",))


_COMMERCIAL = {True: "forbidden", False: "allowed", None: "unknown"}


def _widths(family: Family) -> str:
    widths = sorted({variant.width for variant in family.variants})
    return f"{widths[0]}" if len(widths) == 1 else f"{widths[0]}-{widths[-1]}"


def _gaps(gaps: tuple[Gap, ...]) -> str:
    told = [printing.paragraph(f"{gap.name[0].upper()}{gap.name[1:]}: {gap.reason}", "  ") for gap in gaps]
    return "\n".join(["Not to be imported yet:", *told])


def _shown(family: Family) -> str:
    pairs: list[tuple[str, object]] = [("Family", f"{family.title} ({family.name})"), ("Developer", family.developer)]
    pairs += [("Paper", paper) for paper in family.papers]
    pairs += [("Read from", family.code), ("Verified", family.verified)]
    pairs += [("Licence", f"{family.licence} ({family.licence_source})")]
    pairs += [("Commercial use", _COMMERCIAL[family.non_commercial]), ("Trained on", family.corpus)]
    pairs += [("Left out", part) for part in family.dropped]
    pairs += [("Fed otherwise", part) for part in family.departures]
    parts = [printing.fields(pairs)]
    parts += [printing.fields(_of_variant(family, variant)) for variant in family.variants]
    return "\n\n".join(parts)


def _of_variant(family: Family, variant: Variant) -> list[tuple[str, object]]:
    feed = variant.preprocessing
    stride = f" every {feed.stride_s:g} s" if feed.stride_s is not None else ""
    clip = f"clipped at {feed.clip_mv:g} {feed.units}" if feed.clip_mv is not None else feed.units
    inner = variant.outputs[1:]
    layers = f"; {len(inner)} layers beside it" if inner else ""
    answers = f"; {len(variant.classes)} answers of its own" if variant.classes else ""
    return [
        ("Network", f"{family.name}/{variant.name}"),
        ("Objective", variant.objective),
        ("Backbone", f"{variant.backbone}, {variant.parameters:,} parameters"),
        ("Fed", f"{feed.window_s:g} s{stride} at {feed.rate_hz:g} Hz, {clip}"),
        ("Leads", " ".join(feed.leads)),
        ("Filters", feed.filters),
        ("Normalisation", feed.normalisation),
        ("Outputs", f"embedding of {variant.width}{layers}{answers}"),
        ("File", f"{', '.join(variant.files)}{_within(variant)}"),
    ]


def _within(variant: Variant) -> str:
    return f" (weights under the key '{variant.container}')" if variant.container else ""


def _next(family: Family, variant: Variant) -> str:
    """The way from a released file to a registered model."""
    network = f"{family.name}/{variant.name}"
    file = next((name for name in variant.files if " " not in name), "checkpoint.ckpt")
    key = f" --key {variant.container}" if variant.container else ""
    steps = [f"isoline-engine convert-checkpoint {file} weights.safetensors{key}"] if variant.pickled else []
    steps.append(f"isoline model families {network} --card > card.json")
    reason = " --reason WHY" if family.non_commercial else ""
    steps.append(f"isoline model add weights.safetensors --card card.json{reason} -w DIR")
    return "\n".join(["Next:", *(f"  {step}" for step in steps)])
