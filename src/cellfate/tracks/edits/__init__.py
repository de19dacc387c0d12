"""Tracks that a person edited in another program: what of them is changed, and how it comes back."""
