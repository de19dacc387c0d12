"""Score masks and tracks that were made here against the simulator's truth: a leaf, nothing reads it."""

import pandas as pd

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, write_table
from cellfate.tracks.tables import TRACKS
from cellfate.truth.tables import TRUTH_TRACKING
from cellfate.truth.tracking import score_simulated

log_to(snakemake.log[0])

tracks = read_table(snakemake.input.tracks, TRACKS)
scores = score_simulated(snakemake.input.truth, snakemake.input.masks, tracks)
row = {"recording": snakemake.wildcards.recording, "tracks": tracks["track_id"].nunique(), **scores}
write_table(pd.DataFrame([row]), snakemake.output.scores, TRUTH_TRACKING)
