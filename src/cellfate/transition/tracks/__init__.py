"""Tracked cells as the input of phenotype transitions: their tables, and what becomes of each from look to look."""
