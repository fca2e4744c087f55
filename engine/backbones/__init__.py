"""Encoders: a stem that makes tokens of the signal, and a body that puts each token into context."""
