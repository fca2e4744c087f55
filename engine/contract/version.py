"""The two numbers that other programs ask for."""

VERSION = "0.1.0"
"""Version of the product."""

CONTRACT_VERSION = 2
"""Version of run folders (config, events, results). A mismatch is refused, never guessed around."""
