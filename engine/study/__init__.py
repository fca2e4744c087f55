"""Studies: a grid of pretrainings with one manifest, run one after the other, and what they say together."""
