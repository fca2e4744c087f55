"""The window. Asks the workspace, paints the answer; holds no SQL and no torch."""
