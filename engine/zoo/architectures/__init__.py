"""Networks of published models that weights alone do not tell: one file a network."""
