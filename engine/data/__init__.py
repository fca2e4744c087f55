"""Recordings at rest: the store, how it is filled, and how patients are divided. Imports no torch."""
