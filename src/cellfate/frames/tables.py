"""The table of drift."""

from cellfate.base.tables import COUNT, FLOAT, Table

# one row per frame of a recording: how far the scene has moved since frame 0, pixels
DRIFT = Table("drift", {"frame": COUNT, "dy": FLOAT, "dx": FLOAT}, key=("frame",))
