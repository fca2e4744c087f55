"""Statistics in plain numpy: small pure functions, each pinned to a reference in the tests. Imports no torch."""
