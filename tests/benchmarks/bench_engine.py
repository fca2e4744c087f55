"""The engine's benchmark from a checkout, the same as `isoline bench engine`: `bench_engine.py [ROWS]`.

The plain references of the published algorithms stand in `engine/bench/reference`, not here, so that an installed
program can be measured too. Exit code 1 when a result of ours differs from the reference's.
"""

import sys

from engine.bench.report import in_words, run

if __name__ == "__main__":
    report = run(sys.argv[1:])
    print(in_words(report))
    sys.exit(0 if report["equal"] else 1)
