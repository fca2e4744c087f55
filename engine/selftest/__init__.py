"""Our statistics held against other software's: `references/` are its values, `sources/` the scripts that made them."""
