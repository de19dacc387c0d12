"""Figures of what the score rests on."""
