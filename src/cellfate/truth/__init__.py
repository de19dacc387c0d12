"""Scores against the simulator's truth: a leaf, nothing imports it."""
