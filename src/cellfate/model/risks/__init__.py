"""Fate over time: at every frame of a track, how likely each of two outcomes is within so many hours. See docs/risks.md."""
