"""The table of predictions over time."""

from cellfate.base.tables import COUNT, FLOAT, STR, Column, Table

# a track at a frame, from the n_frames_seen frames up to it, with probability_<outcome> for each of the two outcomes; these and
# logit (of the positive one, not calibrated) hold only given what stands in ``given``
FATE_PREDICTIONS = Table(
    "fate_predictions",
    {
        "recording": STR,
        "track_id": COUNT,
        "frame": COUNT,
        "hours_since_start": Column("float", low=0),
        "y": FLOAT,
        "x": FLOAT,
        "n_frames_seen": Column("int", low=1),
        "logit": FLOAT,
        "given": STR,
    },
    key=("recording", "track_id", "frame"),
    open=True,
)
