"""Hashes of files, as the engine makes them."""

from engine.data.digests import sha256_of as sha256_of
