"""Importers of published foundation models: their files' names and shapes, held strictly, onto networks of ours."""
