"""What a model is worth on labelled recordings: embeddings, probes, similarity of layers, and the runs that do it."""
