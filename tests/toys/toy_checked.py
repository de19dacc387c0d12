"""The checked tracks of a toy recording, for what people say of them."""

from pathlib import Path

from cellfate.tracks.outcomes import CheckedTracks, check_tracks
from cellfate.tracks.raw import RecordingFacts

FACTS = RecordingFacts("r", 20, (100, 100))
GIVEN = {"r": True, "s": True, "made": False}  # recordings of the sheet: whether they have tracks


def checked(folder: Path) -> CheckedTracks:
    """Track 1 (mitosis at 8) with daughters 2 (to the end) and 3 (apoptosis at 15), and track 4 (lost)."""
    rows = (
        [(1, "", t) for t in range(8)]
        + [(2, 1, t) for t in range(8, 20)]
        + [(3, 1, t) for t in range(8, 15)]
        + [(4, "", t) for t in range(6)]
    )
    lines = ["track_id,parent_id,frame,y,x", *(f"{track},{parent},{t},{10 * track},{t}" for track, parent, t in rows)]
    (folder / "r.csv").write_text("\n".join(lines) + "\n")
    (folder / "r_outcomes.csv").write_text("track_id,outcome,event_frame\n1,mitosis,8\n3,apoptosis,15\n")
    return check_tracks(folder / "r.csv", "csv", FACTS, 2)
