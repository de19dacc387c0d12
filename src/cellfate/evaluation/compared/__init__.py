"""Two finished runs on the same held-out trajectories, side by side."""
