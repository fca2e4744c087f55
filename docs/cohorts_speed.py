"""How fast the flow of a cohort is counted over a large workspace, and a cohort made and told of.

    python docs/cohorts_speed.py [RECORDS]

Fills a workspace as `records_speed.py` does (100,000 synthetic rows by default) and prints processor times of this
process, in which SQLite works too.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import records_speed

from app.core.home import Home
from app.workspace import Workspace

ELEVEN = (
    *("age 30..80", "sex female or unknown", "paced no or unknown", "quality good limited", 'device "GE MAC"'),
    *("measured I II V1", "seconds 10..", "rate 500..", "without flat", "year 2000..", "setting ward or unknown"),
)
ASKED: dict[str, dict[str, Any]] = {
    "no rule": {},
    "one of five labels known": {"labels": records_speed.LABELS},
    "one rule": {"rules": ELEVEN[:1]},
    "five rules": {"rules": ELEVEN[:5]},
    "eleven rules, one of five labels known": {"rules": ELEVEN, "labels": records_speed.LABELS},
}


def main() -> None:
    """Fill a workspace and print what its cohorts cost."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        home = Home.create(Path(folder) / "workspace")
        records_speed.fill(home, count)
        home.db.close()
        with Workspace.open(home.path) as workspace:
            print(f"{count:,} recordings: who is left out, and why{'s':>17}")
            for name, asked in ASKED.items():
                spent = records_speed.median_ms(lambda asked=asked: workspace.eligible(**asked), 3)  # type: ignore[misc]
                print(f"{name:<50} {spent / 1000:>8.2f}")
            made = records_speed.median_ms(lambda: workspace.create_cohort("all"), 1)
            print(f"{'a cohort of all is made, in five folds':<50} {made / 1000:>8.2f}")
            told = records_speed.median_ms(lambda: workspace.cohort_parts("all"), 3)
            print(f"{'what went where in it, with five labels':<50} {told / 1000:>8.2f}")
            offered = records_speed.median_ms(workspace.cohort_choices, 3)
            print(f"{'what rules can choose among':<50} {offered / 1000:>8.2f}")


if __name__ == "__main__":
    main()
