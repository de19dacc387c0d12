"""The recordings sheet, the cells sheet, and the order of the cells in one annotation file for all recordings."""

from cellfate.base.tables import COUNT, STR, STR_NULL, Column, Table

PIXEL_SIZES_UM = (0.01, 20)  # of light microscopes at the sample; printers' resolutions (72 to 1200 per inch) are larger
INTERVALS_MIN = (1 / 60, 7 * 1440)  # of recordings of fates: a second to a week
TOLERANCE = 0.05  # fraction by which two statements of one value may differ

INTERVAL_MIN = Column("float", low=1e-6, high=INTERVALS_MIN[1])
PIXEL_UM = Column("float", nullable=True, low=1e-6, high=1000)  # up to a millimetre
START_H = Column("float", nullable=True, low=-366 * 24, high=366 * 24)  # a year before the first frame, and after it

# the user's sheet: one row per recording
RECORDINGS = Table(
    "recordings",
    {
        "recording": STR,
        "images": STR,
        "tracks": STR_NULL,
        "tracks_format": STR_NULL,
        "treatment": STR_NULL,
        "dose": STR_NULL,
        "treatment_start_h": START_H,
        "frame_interval_min": INTERVAL_MIN,
        "pixel_size_um": PIXEL_UM,
        "channels": STR,
        "group": STR_NULL,
        "channel_labels": STR_NULL,
        "last_image": Column("int", nullable=True, low=0),
    },
    key=("recording",),
)

# the user's sheet of ready-made crops: one row per cell, each with a movie of its own; see cellfate.recordings.cells
MOVIES = Table(
    "movies",
    {
        "cell": STR,
        "movie": STR,
        "outcome": STR_NULL,
        "event_frame": Column("int", nullable=True, low=0),
        "recording": STR_NULL,
        "lineage": STR_NULL,
        "treatment": STR_NULL,
        "dose": STR_NULL,
        "treatment_start_h": START_H,
        "frame_interval_min": INTERVAL_MIN,
        "pixel_size_um": PIXEL_UM,
        "channels": STR,
        "group": STR_NULL,
        "channel_labels": STR_NULL,
        "last_image": Column("int", nullable=True, low=0),
    },
)

# every cell, in the order in which an annotation file of all recordings names them first
CELLS = Table("cells", {"recording": STR, "track_id": COUNT}, key=("recording", "track_id"))
