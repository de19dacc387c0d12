"""Differences between groups of cells and of frames, with units that are recordings: plain arrays in, plain numbers out."""
