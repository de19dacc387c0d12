"""The table of features."""

from cellfate.base.tables import COUNT, STR, UNIT, UNIT_NULL, Column, Table

# features of the chosen region of one crop, named as scikit-image names them; intensity_mean-<channel> per channel
FEATURES = Table(
    "features",
    {
        "recording": STR,
        "track_id": COUNT,
        "frame": COUNT,
        "area": Column("float", low=0),
        "perimeter": Column("float", low=0),
        "eccentricity": UNIT,
        "equivalent_diameter_area": Column("float", low=0),
        "solidity": UNIT_NULL,
        "circularity": Column("float", nullable=True, low=0),
        "n_neighbors": COUNT,
    },
    key=("recording", "track_id", "frame"),
    open=True,
)
