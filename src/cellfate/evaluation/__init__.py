"""How good the predictions are: metrics with intervals, baselines, calibration, the published numbers."""
