"""The published algorithms, written plainly by us: what the engine is measured against, on the same weights.

They stand in the package, not beside the tests, so that `isoline bench engine` can measure an installed program.
"""
