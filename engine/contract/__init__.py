"""What engine and app agree on: configs, events, run folders, results, model cards. Imports no torch."""
