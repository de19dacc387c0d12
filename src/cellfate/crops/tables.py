"""Which movie each cell of ready-made crops comes from."""

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
