"""One module a file format, all with the same silhouette; `engine.signal.readers` asks them in turn.

`NAME` is what people call the format. `sniff(head, path)` tells from the first bytes (`HEAD_BYTES` of them) whether a
file is of it. `read(path, digest)` gives the `Recording` or raises `WorldError` with the reason. A heavy library is
imported inside `read`, so that a program that reads no file of the format never pays for it.
"""
