"""Identifiers are found again in whatever way they are written, and ordinary text is not taken for one."""

import random
import string

import pytest

from engine.signal.identifiers import folded, hashed, marks_of, signs_in, signs_of

KEY = bytes(range(32))
FIRST = [
    "Anna",
    "Bilal",
    "Chiara",
    "Dmitri",
    "Elif",
    "Fatima",
    "Gustav",
    "Hedwig",
    "Ingrid",
    "Jürgen",
    "Katarzyna",
    "Łukasz",
    "Müge",
    "Zoë",
]
LAST = [
    "Müller",
    "Yılmaz",
    "Kowalczyk",
    "O'Brien",
    "García-Ramos",
    "Nguyen",
    "Sørensen",
    "Strauß",
    "Dvořák",
    "Papadopoulos",
    "Wiśniewski",
]


def shares(kind, identifier, text):
    return bool(signs_of(kind, identifier) & signs_in(text))


def planted(words, rng):
    """The words in random case, with random spacing and punctuation between them, amid ordinary text."""
    cased = ["".join(rng.choice((c.upper(), c.lower())) for c in word) for word in words]
    between = lambda: rng.choice((" ", "  ", ", ", "^", "_", "-", ".", " - ", "/", "\n", ": ", "; ", '"', "\t"))  # noqa: E731
    told = cased[0] + "".join(between() + word for word in cased[1:])
    return f"Report of the comparison{between()}{told}{between()}two models, 155 recordings"


def test_names_are_found_in_any_case_order_spacing_and_punctuation():
    rng = random.Random(4)
    for _ in range(400):
        first, last = rng.choice(FIRST), rng.choice(LAST)
        words = [first, last] if rng.random() < 0.5 else [last, first]
        assert shares("patient name", f"{last}^{first}", planted(words, rng)), words


def test_numbers_and_ids_are_found_in_any_punctuation():
    rng = random.Random(5)
    for _ in range(400):
        parts = ["".join(rng.choices(string.digits[1:], k=rng.randint(3, 5))) for _ in range(rng.randint(2, 3))]
        if rng.random() < 0.5:
            parts = ["MRN", *parts]
        elif len(parts) == 2 and sum(map(len, parts)) < 8:
            continue
        identifier = rng.choice("-./ ").join(parts)
        assert shares("patient id", identifier, planted(parts, rng)), identifier


@pytest.mark.parametrize(
    "spelled",
    [
        "born 1931-04-12",
        "12.04.1931",
        "04/12/1931",
        "12 April 1931",
        "April 12th 1931".replace("th", ","),
        "19310412",
        "12041931",
        "ecg_Meier_19310412.xml",
        "1931-04-12T08:15:00Z",
        "12. Apr. 1931",
    ],
)
def test_a_birth_date_is_found_in_every_usual_spelling(spelled):
    assert shares("birth date", "1931-04-12", spelled)


@pytest.mark.parametrize(
    ("kind", "identifier", "text"),
    [
        ("patient id", "12345678", "mrn12345678x"),
        ("patient id", "0012345678", "patient 12345678"),
        ("patient id", "MRN-0012345", "mrn0012345"),
        ("patient id", "756.1234.5678.97", "7561234567897"),
        ("patient id", "3f2b8c1d-1111-4c4c-8888-abcdefabcdef", "see 3F2B8C1D-1111-4C4C-8888-ABCDEFABCDEF."),
        ("patient name", "Müller, Jürgen", "MUELLER Juergen"),
        ("patient name", "Müller, Jürgen", "muller"),
        ("patient name", "O’Brien^Mary", "o'brien"),
        ("patient name", "Kowalczyk^Ewa", "ewakowalczyk"),
        ("patient name", "Li^Wei", "Wei  LI"),
        ("person", "Dr. P. Papadopoulos", "confirmed by papadopoulos"),
        ("institution", "St. Hedwig Krankenhaus", "st hedwig-krankenhaus"),
        ("device serial", "SDE09231178PA", "serial sde09231178pa"),
        ("contact", "+49 30 1234567", "phone +49-30-1234567"),
        ("free text", "seen by his uncle Bartholomew in spring", "He was SEEN by his, uncle: Bartholomew"),
        ("file name", "Kowalczyk_Ewa_2", "kowalczyk ewa 2"),
    ],
)
def test_what_a_file_calls_somebody_is_found_in_a_text(kind, identifier, text):
    assert shares(kind, identifier, text)


@pytest.mark.parametrize(
    ("kind", "identifier"),
    [
        ("patient id", "7"),
        ("patient id", "15709"),
        ("file name", "record1"),
        ("file name", "ecg_12"),
        ("place", "Ward 7"),
        ("place", "emergency"),
        ("patient name", "May"),
        ("free text", "sinus rhythm, normal ecg"),
    ],
)
def test_what_cannot_be_told_from_ordinary_text_leaves_no_sign(kind, identifier):
    assert signs_of(kind, identifier) == set()


def test_digests_fractions_and_time_stamps_are_no_numbers_to_be_searched():
    digest = "3fa84233100aa1123456789bcdef0123456789abcdef0123456789abcdef0123"
    shown = signs_in(f"sha256 {digest}, AUROC 0.842331, 0.8423312345678, at 2026-11-22T20:38:34.123Z, p3fa842331aa1")
    assert not {"q 842331", "q 123456789", "q 203834", "q 34123"} & shown
    assert "d 2026-11-22" in shown


def test_hashes_are_keyed_and_fit_the_database():
    marks = marks_of(KEY, "patient name", "Kowalczyk^Ewa")
    assert marks == {hashed(KEY, sign) for sign in signs_of("patient name", "Kowalczyk^Ewa")}
    assert not marks & marks_of(bytes(32), "patient name", "Kowalczyk^Ewa")
    assert all(-(2**63) <= mark < 2**63 for mark in marks)


def test_folding_takes_case_accents_and_apostrophes():
    assert folded("O’Brien, ZOË Łukasz Strauß Sørensen") == "obrien, zoe lukasz strauss sorensen"
