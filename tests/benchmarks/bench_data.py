"""The data path's benchmark from a checkout, the same as `isoline bench data`: `bench_data.py [RECORDINGS ...]`.

Arguments are the sizes of the stores whose crops are timed (default: 10,000 to 10,000,000; their index takes 232 bytes
a recording on the disk). The alternatives stand in `app/bench/reference.py`, not here, so that an installed program can
be measured too. Exit code 1 when a result of ours differs from the alternative's.
"""

import sys

from app.bench import data_in_words
from app.bench.data import SIZES, run

if __name__ == "__main__":
    report = run(tuple(int(size) for size in sys.argv[1:]) or SIZES)
    print(data_in_words(report))
    sys.exit(0 if report["equal"] else 1)
