"""The PDF: pages, charts, ECG to scale, and the check that a PDF still agrees with its workspace."""
