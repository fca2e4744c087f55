"""What an import removes from recordings, as a page of its config."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.contract.page import Page


class Deidentification(Page):
    """How far recordings are de-identified when they are read.

    It can be widened and never switched off: names, patient ids and serial numbers do not enter a workspace at all.
    """

    dates: Literal["year", "shift"] = Field(
        "year",
        description=(
            "What is kept of the date of a recording: its year, or a date that is shifted by the same number of days "
            "for all recordings of a patient, so that intervals stay true."
        ),
    )
    keep_free_text: bool = Field(
        False,
        description="Keep the wording of the cart's statements, unless it holds an identifier of the same file.",
    )
