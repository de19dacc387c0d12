"""Say how likely each link of the tracks of one recording is wrong, and each track one cell up to each frame."""

import sys

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, write_table
from cellfate.frames.formats import open_frames
from cellfate.tracks.doubt.confidence import assess_links, doubtful_links
from cellfate.tracks.doubt.model import LinkModel
from cellfate.tracks.tables import TRACK_CONFIDENCE, TRACKS

log_to(snakemake.log[0])

model = LinkModel.read(snakemake.params.doubt)
frames = snakemake.params.frames
table = assess_links(read_table(snakemake.input.tracks, TRACKS), model, open_frames(**frames).read if frames else None)
print(f"Calibrated by {model.origin}", *doubtful_links(table, 10), sep="\n", file=sys.stderr, flush=True)
write_table(table, snakemake.output.confidence, TRACK_CONFIDENCE)
