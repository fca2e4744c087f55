"""A trial of a model on one recording, for people."""

from __future__ import annotations

from app import printing
from app.examination_words import trial_numbers
from engine.contract.trying import TryResults


def trial_words(results: TryResults) -> str:
    """A trial, for people: the numbers of the recording, then those of its windows."""
    head: list[tuple[str, object]] = [("Model", results.model), ("Recording", results.record_id)]
    fed = f"{len(results.starts_s)} of {results.window_s:g} s at {results.rate_hz:g} Hz, {', '.join(results.leads)}"
    head.append(("Refused", results.refused) if results.refused else ("Windows", fed))
    blocks = [printing.fields(head)]
    for output in results.outputs:
        if not output.classes:
            blocks.append(f"Output {output.name}: an embedding of {output.width:,} numbers")
            continue
        rows = [(name, value) for name, value in trial_numbers(output)]
        blocks.append(printing.table((f"Output {output.name}", output.judged_as), rows, right=(output.judged_as,)))
    blocks += [printing.paragraph(note) for note in results.notes]
    return "\n\n".join(blocks)
