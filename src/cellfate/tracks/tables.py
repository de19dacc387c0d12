"""Tables of tracks and their outcomes."""

from cellfate.base.tables import BOOL, COUNT, FLOAT, INT_NULL, STR, STR_NULL, UNIT, UNIT_NULL, Column, Table

NO_EVENT = "no_event_by_end"
CENSORED = "censored"

# one row per track and frame; y, x in pixels of the whole frame
TRACKS = Table(
    "tracks",
    {"recording": STR, "track_id": COUNT, "parent_id": INT_NULL, "frame": COUNT, "y": FLOAT, "x": FLOAT},
    key=("track_id", "frame"),
)

# one row per track; event_frame is the first frame that shows the event; lineage names the founder's track
OUTCOMES = Table(
    "outcomes",
    {
        "recording": STR,
        "track_id": COUNT,
        "parent_id": INT_NULL,
        "lineage": STR,
        "first_frame": COUNT,
        "last_frame": COUNT,
        "n_frames": Column("int", low=1),
        "outcome": STR,
        "event_frame": Column("int", nullable=True, low=0),
        "warning": STR_NULL,
    },
    key=("recording", "track_id"),
)

# one row per thing in the file of tracks that was not used; track as the file names it, where as a person finds it there
LEFT_OUT = Table(
    "left_out",
    {
        "recording": STR,
        "what": Column("str", allowed=("position", "event", "mother", "track")),
        "where": STR,
        "track": STR_NULL,
        "frame": INT_NULL,
        "reason": STR,
    },
)

# one row per thing that a source says of a track's end, and per track of which none says anything; outcome in the words of the settings
OUTCOME_SOURCES = Table(
    "outcome_sources",
    {
        "recording": STR,
        "track_id": COUNT,
        "source": STR,
        "where": STR,
        "said": STR_NULL,
        "outcome": STR_NULL,
        "event_frame": INT_NULL,
        "result": Column("str", allowed=("used", "agrees", "disagrees", "passed over", "too late")),
    },
)

# what a person found wrong: the outcome of a track, in place of which another stands, or the track itself, which is set aside; ``was`` is
# the outcome by the files, so that a row that is no longer true is found
WRONG_OUTCOME, WRONG_TRACK = "outcome", "track"
CORRECTIONS = Table(
    "corrections",
    {
        "recording": STR,
        "track_id": COUNT,
        "what": Column("str", allowed=(WRONG_OUTCOME, WRONG_TRACK)),
        "was": STR,
        "outcome": STR_NULL,
        "event_frame": Column("int", nullable=True, low=0),
        "note": STR_NULL,
    },
    key=("recording", "track_id"),
)

# what a person changed in tracks in another program, one row for each change of a track; track_id is its number afterwards, of a deleted
# one before; frames are those of the ``positions`` that the change is about
EDITS = Table(
    "edits",
    {
        "recording": STR,
        "track_id": COUNT,
        "what": Column("str", allowed=("cut", "divided", "joined", "moved", "shortened", "extended", "deleted", "new", "mother")),
        "first_frame": COUNT,
        "last_frame": COUNT,
        "positions": Column("int", low=1),
        "detail": STR_NULL,
    },
)

# what a person saw in a track: an outcome with the first frame that shows it, that there is ``neither``, or that one cannot tell; ``by``
# whom, ``at`` what time, and ``data``, the digest of the track's positions (cellfate.tracks.labels.digest)
NEITHER, CANNOT_TELL = "neither", "cannot_tell"
LABELS = Table(
    "labels",
    {
        "by": STR,
        "at": STR,
        "recording": STR,
        "track_id": COUNT,
        "outcome": STR,
        "event_frame": Column("int", nullable=True, low=0),
        "note": STR_NULL,
        "data": STR,
    },
    key=("by", "recording", "track_id"),
)

# one row: how plausible the tracks of a recording are; see cellfate.tracks.quality
TRACKING_QUALITY = Table(
    "tracking_quality",
    {
        "recording": STR,
        "n_frames": COUNT,
        "tracks": COUNT,
        "cells_per_frame": Column("float", low=0),
        "median_length": Column("float", low=0),
        "mean_length": Column("float", low=0),
        "full_length_share": UNIT,
        "links_per_frame": Column("float", low=0),
        "appearing_per_frame": Column("float", low=0),
        "lost_per_frame": Column("float", low=0),
        "missed_share": UNIT,
        "median_step": Column("float", nullable=True, low=0),
        "step_90": Column("float", nullable=True, low=0),
        "neighbour_distance": Column("float", nullable=True, low=0),
        "divisions": COUNT,
        "divisions_per_frame": Column("float", low=0),
        "doubling_h": Column("float", nullable=True, low=0),
        "implausible_divisions": BOOL,
        "warnings": STR_NULL,
    },
    key=("recording",),
)

# one row per track and frame: how likely the link to this frame is wrong (null where a track starts), the track that would have been the
# best alternative, and how likely the track is one cell from its start to this frame; see cellfate.tracks.doubt
TRACK_CONFIDENCE = Table(
    "track_confidence",
    {
        "recording": STR,
        "track_id": COUNT,
        "frame": COUNT,
        "kind": Column("str", allowed=("start", "step", "division")),
        "wrong": UNIT_NULL,
        "rival": INT_NULL,
        "confidence": UNIT,
    },
    key=("track_id", "frame"),
)
