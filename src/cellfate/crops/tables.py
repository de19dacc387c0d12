"""Tables of crops: the movies that ready-made ones come from, and intensities in rings."""

from cellfate.base.tables import COUNT, STR, Column, Table

# one row per cell of a recording whose crops come ready-made, with the number that it has in all other tables
CELLS_OF_RECORDING = Table(
    "cells of a recording",
    {
        "recording": STR,
        "track_id": COUNT,
        "cell": STR,
        "movie": STR,
        "n_frames": Column("int", low=1),
        "n_used": Column("int", low=1),
        "height": Column("int", low=1),
        "width": Column("int", low=1),
    },
    key=("recording", "track_id"),
)

# one row per crop; further columns <channel>-ring<r>-mean, -std and -high, counts above the frame's background
RINGS = Table("rings", {"recording": STR, "track_id": COUNT, "frame": COUNT}, key=("recording", "track_id", "frame"), open=True)
