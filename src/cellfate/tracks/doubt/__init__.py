"""How likely each link of a track is wrong, and so how likely a track is one cell: by a model that simulated recordings calibrated."""
