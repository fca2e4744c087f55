"""`python -m app` is `isoline`. Kept trivial: spawned processes import this module again."""

import multiprocessing
import sys

from app.cli import main

if __name__ == "__main__":
    multiprocessing.freeze_support()
    sys.exit(main())
