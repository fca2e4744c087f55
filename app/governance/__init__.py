"""What a dossier must hold and what may be claimed from it."""
