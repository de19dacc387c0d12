"""Figures that check a run: training curves, calibration, and, for simulated recordings, the comparison with the truth."""
