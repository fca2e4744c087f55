"""Compiled code that the data path may use, and how any compiled code of ours is found, tested and told of."""
