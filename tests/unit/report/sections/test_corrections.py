"""What the summary page says of corrections."""

import pandas as pd

from cellfate.report.sections.corrections import corrections_section


def row(track, what, was, outcome=None, event_frame=None, note=None):
    return {"recording": "r", "track_id": track, "what": what, "was": was, "outcome": outcome, "event_frame": event_frame, "note": note}


def test_counts_before_are_those_after_with_the_corrections_taken_back():
    trajectories = pd.DataFrame({"outcome": ["cell_death", "mitosis", "mitosis"]})  # before: one cell_death more, which was two cells
    found = corrections_section([row(1, "outcome", "cell_death", "mitosis", 7, "divides"), row(2, "track", "cell_death")], trajectories)
    assert found["counts"] == [("cell death", 3, 1), ("mitosis", 1, 2)]
    assert found["rows"][0] == {"name": "r/1", "before": "cell death", "after": "mitosis, event in frame 7", "note": "divides"}
    assert found["rows"][1]["after"] == "set aside, the track is wrong"


def test_nothing_is_said_where_nothing_was_corrected():
    assert corrections_section([], pd.DataFrame({"outcome": ["a"]})) == {"rows": [], "counts": []}
