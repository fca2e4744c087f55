"""What an ECG is and how one is read, conditioned and judged. Imports no torch."""
