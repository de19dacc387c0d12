"""Figures of phenotype transitions."""
