"""Quality in words: a badge for the verdict and each finding, with leads and numbers."""

from types import SimpleNamespace

from app.ui.quality_badge import badges
from app.ui.quality_words import VERDICTS, finding_words, findings_of, plain_tip, verdict_tip
from engine.signal.leads import CANONICAL
from engine.signal.quality_finding import REASONS

FLAT = {"name": "flat", "text": "flat line in V1, V2, V3", "leads": ["V1", "V2", "V3"], "values": [0.004, 0.0, 0.001]}
SWAP = {
    "name": "limb_swap",
    "text": "RA and LA may be swapped: the limb leads look more usual with them exchanged back",
    "leads": [],
    "values": [4.2],
}
LOOSE = {"name": "lead_off", "text": "contact lost for seconds in aVL", "leads": ["aVL"], "values": [0.4]}


def row(*findings, quality="limited", reasons=(), **evidence):
    names = [one["name"] for one in findings]
    told = {"names": names, "findings": list(findings), **evidence} if findings or evidence else {}
    return SimpleNamespace(quality=quality, quality_reasons=tuple(reasons), quality_evidence=told)


def test_every_finding_has_words_of_its_own():
    assert len({finding_words(name) for name in REASONS}) == len(REASONS)
    assert all(finding_words(name) != name.replace("_", " ").capitalize() for name in ("lead_off", "limb_swap", "gain"))


def test_a_finding_names_the_leads_that_it_concerns():
    assert [view.words for view in findings_of(row(FLAT, SWAP, LOOSE))] == [
        "Flat line: V1 to V3",
        "RA and LA may be swapped",
        "Electrode off: aVL",
    ]


def test_the_numbers_of_each_lead_stand_in_the_tip():
    flat, swap, loose = findings_of(row(FLAT, SWAP, LOOSE))
    assert "V1 0.004 mV, V2 0 mV, V3 0.001 mV" in flat.tip
    assert "aVL 40%" in loose.tip
    assert swap.suspicion
    assert "Only a suspicion" in swap.tip
    assert not flat.suspicion


def test_the_verdict_says_what_was_not_judged_in_wide_complexes():
    assert "chest electrodes or LA and LL" in verdict_tip(row(FLAT, wide_complexes=True))
    assert "Wide QRS" not in verdict_tip(row(FLAT, wide_complexes=False))
    assert "Wide QRS" not in verdict_tip(row(FLAT))


def test_text_of_a_recording_cannot_become_markup():
    nasty = {"name": "gain", "text": "<img src=x>", "leads": [], "values": [7.0]}
    assert "<img" not in findings_of(row(nasty))[0].tip
    assert "<img" not in verdict_tip(row(reasons=["<img src=x>"]))


def test_recordings_judged_before_findings_had_names_show_their_reasons():
    old = findings_of(row(reasons=["flat line in V1, V2", "gain suspect: the leads swing by 8 mV a second"]))
    assert [(view.name, view.words) for view in old] == [
        ("flat", "Flat line in V1, V2"),
        ("gain", "Gain suspect: the leads swing by 8 mV a second"),
    ]


def test_the_verdict_tells_what_was_measured_in_every_lead():
    noise = [round(0.01 * place, 2) for place in range(12)]
    tip = verdict_tip(row(FLAT, noise_mv=noise, beats=11))
    assert all(f"<td>{lead}</td>" in tip for lead in CANONICAL)
    assert "0.110" in tip
    assert "11 beats found" in tip
    assert "<table>" not in verdict_tip(row(FLAT))


def test_a_badge_has_a_shape_beside_its_colour_and_unusable_is_not_merely_limited(qtbot):
    shown = {verdict: badges(row(quality=verdict))[0] for verdict in VERDICTS}
    for badge in shown.values():
        qtbot.addWidget(badge)
    assert len({badge.shape for badge in shown.values()}) == 4
    assert shown["unusable"].text() == "Unusable signal"
    limited, unusable = badges(row(FLAT)), badges(row(FLAT, SWAP, quality="unusable"))
    for badge in (*limited, *unusable):
        qtbot.addWidget(badge)
    assert (limited[1].token, unusable[1].token, unusable[2].token) == ("warn", "bad", "warn")
    assert unusable[1].accessibleName() == "Flat line: V1 to V3"


def test_a_plain_tip_is_verdict_and_reasons():
    assert plain_tip(row(reasons=["flat line in V1"])) == "Limited signal\nFlat line in V1"
