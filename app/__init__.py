"""The desktop program of Isoline: a workspace on SQLite, a queue of engine runs, the window, the dossier."""
