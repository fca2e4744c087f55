"""Vendors' models run here in a process of their own that reaches nothing: no network, no files, no other process.

`session` is the door; `launcher` is what the new process runs first: it shuts itself in, and only then is anything of
the vendor's looked at. What runs inside imports numpy and the model's runtime alone.
"""
