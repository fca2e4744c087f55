"""What a model is worth on labelled recordings: embeddings, probes, similarity of layers, and the runs that do it."""

import os

# The probe's matrices are small: with two threads OpenBLAS spends fourteen times the processor time waiting for itself
# (155 recordings, 64 features, 5 labels). It reads this when numpy is loaded, which an engine process does after this
# line. torch brings its own library and keeps its threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
