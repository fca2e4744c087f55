"""How well the search for identifiers finds what is planted, and how often it takes ordinary text for an identifier.

    python docs/identifiers.py [PATIENTS] [REPORT.pdf ...]

Makes that many synthetic patients (100,000 by default) with names, ids, birth dates and file names, as a hospital has
them, and then (1) plants identifiers of theirs in random spelling in ordinary sentences, (2) searches ordinary text
that names none of them: the documentation of Isoline (its words count as ordinary by construction, so that figure is
tuned), the language reference of Python (on which nothing was tuned), made-up lines as logs and tables hold them, and
reports that are named. Prints the tables of docs/deidentification.md. Names are typed in by hand, common ones of
several languages; no list of real persons is used.
"""

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from pydoc_data.topics import topics

from engine.signal.identifiers import signs_in, signs_of

ROOT = Path(__file__).resolve().parent.parent
FIRST = """Anna Maria Peter Hans Jürgen Ewa Katarzyna Łukasz Bilal Elif Mehmet Fatima Aisha Omar Ingrid Sven Lars Astrid
Chiara Giulia Marco Luca Sofia Carmen José Pedro Lucía Jean Marie Pierre Chloé Hélène John Mary James Patricia Robert
Linda Michael Barbara William Elizabeth David Jennifer Susan Thomas Sarah Charles Karen Wei Min Jing Li Yan Hiroshi Yuki
Sakura Ravi Priya Arjun Deepa Ngozi Chidi Olga Ivan Dmitri Natasha Zoë Noah Emma Mia Ben Paul Grace Rose May April June
Mark Frank Will Victor Joy Hope Faith""".split()  # noqa: SIM905
LAST = """Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Bauer Richter Klein Wolf
Schröder Neumann Schwarz Zimmermann Braun Krüger Hartmann Lange Krause Lehmann Smith Johnson Williams Brown Jones Garcia
Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson Anderson Taylor Moore Jackson Martin Lee Perez Thompson
White Harris Clark Lewis Robinson Walker Young Allen King Wright Scott Hill Green Adams Baker Nelson Carter Mitchell
Kowalczyk Wiśniewski Nowak Zieliński Yılmaz Kaya Demir Nguyen Tran Kim Park Choi Wang Zhang Chen Liu Yang Huang Tanaka
Suzuki Sato Singh Kumar Sharma Patel Okafor Mensah Ivanov Petrov Rossi Russo Ferrari Silva Santos Dubois Moreau Jansen
Long Short Black Gray Page Field Cross Day Price Stone Wood Bell Cook Park Rice Block Wave""".split()  # noqa: SIM905
BETWEEN = (" ", "  ", ", ", "^", "_", "-", ".", " - ", "/", "\n", ": ", "; ", "\t")


def patients(count: int, draw: random.Random) -> list[dict[str, str]]:
    """Made-up patients: kinds of identifiers and their texts."""
    found = []
    for n in range(count):
        first, last = draw.choice(FIRST), draw.choice(LAST)
        born = date(1925, 1, 1) + timedelta(days=draw.randrange(33_000))
        mrn = draw.choice((f"{draw.randrange(10**6, 10**8)}", f"MRN-{draw.randrange(10**7):07d}", f"A{n:07d}"))
        found.append(
            {
                "patient name": f"{last}^{first}",
                "patient id": mrn,
                "birth date": born.isoformat(),
                "file name": f"{last}_{first}_{born:%Y%m%d}",
            }
        )
    return found


def respelled(kind: str, text: str, draw: random.Random) -> str:
    """An identifier as somebody else writes it: other case, order, spacing and punctuation."""
    if kind == "birth date":
        day = date.fromisoformat(text)
        return draw.choice((f"{day:%d.%m.%Y}", f"{day:%m/%d/%Y}", f"{day:%d %B %Y}", f"{day:%Y%m%d}", text))
    words = re.findall(r"[^\W_]+", text)
    if kind == "patient name":
        draw.shuffle(words)
    return draw.choice(BETWEEN).join(draw.choice((w.upper(), w.lower(), w)) for w in words)


def recall(people: list[dict[str, str]], draw: random.Random, times: int = 5000) -> dict[str, tuple[int, int, int]]:
    """By kind: planted, found, and planted though too common or too short to be searched for."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in people[0]}
    for _ in range(times):
        person = draw.choice(people)
        for kind, text in person.items():
            sentence = f"Report on {respelled(kind, text, draw)}, two models compared"
            signs = signs_of(kind, text)
            counts[kind].update(planted=1, found=bool(signs & signs_in(sentence)), unsearchable=not signs)
    return {kind: (found["planted"], found["found"], found["unsearchable"]) for kind, found in counts.items()}


def ordinary(draw: random.Random) -> dict[str, list[str]]:
    """Texts that name nobody, in parts: the documentation, and lines as logs, tables and reports hold them."""
    pages = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CHANGELOG.md"]
    whole = [part for page in pages for part in page.read_text(encoding="utf-8").split("\n\n") if part.strip()]
    lines = []
    for n in range(5000):
        digest = f"{draw.getrandbits(256):064x}"
        lines += [
            f"record r{digest[:12]} of patient p{digest[12:24]}, sha256 {digest}",
            f"AUROC {draw.random():.3f} ({draw.random():.4f} to {draw.random():.6f}), n = {draw.randrange(100_000):,}",
            f"2026-11-{draw.randint(1, 30):02d}T{draw.randrange(24):02d}:15:{draw.randrange(60):02d}.123Z run J{n:04d}",
            f"step {n}, loss {draw.uniform(0, 5):.6f}, learning rate {draw.random() * 1e-3:.2e}",
        ]
    foreign = [part for text in topics.values() for part in text.split("\n\n") if part.strip()]
    return {
        "documentation of Isoline, paragraphs (tuned)": whole,
        "language reference of Python, paragraphs": foreign,
        "made-up lines of logs and tables": lines,
    }


def pdf_pages(path: Path) -> list[str]:
    """Text of the pages and of the attached evidence, as an export is searched."""
    from app.core.searching import texts_of_pdf

    return list(texts_of_pdf(path).values())


def main() -> None:
    """Print recall and false alarms."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    draw = random.Random(20)
    people = patients(count, draw)
    print("| Kind | Planted | Found | Not searchable |\n| --- | --- | --- | --- |")
    for kind, (planted, found, lost) in recall(people, draw).items():
        print(f"| {kind} | {planted:,} | {found:,} ({100 * found / planted:.2f} %) | {lost:,} |")
    kinds: dict[str, str] = {}
    for person in people:
        for kind, text in person.items():
            kinds |= dict.fromkeys(signs_of(kind, text), kind)
    print(f"\n{count:,} patients leave {len(kinds):,} signs\n\n| Ordinary text | Parts | Alarms | By kind |")
    print("| --- | --- | --- | --- |")
    texts = ordinary(draw) | {Path(name).name: pdf_pages(Path(name)) for name in sys.argv[2:]}
    for name, parts in texts.items():
        alarms = [(sign, kinds[sign]) for part in parts for sign in signs_in(part) if sign in kinds]
        struck = sum(any(sign in kinds for sign in signs_in(part)) for part in parts)
        told = ", ".join(f"{kind} {n}" for kind, n in Counter(kind for _, kind in alarms).most_common())
        print(f"| {name} | {len(parts):,} | {struck:,} ({100 * struck / len(parts):.2f} %) | {told or '-'} |")
        print("<!--", Counter(sign for sign, _ in alarms).most_common(12), "-->", file=sys.stderr)


if __name__ == "__main__":
    main()
