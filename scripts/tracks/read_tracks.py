"""Check the frames of one recording, then read and check its tracks and outcomes."""

import json

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.frames.formats import open_frames
from cellfate.frames.pixels import check_frames
from cellfate.tracks.corrections.apply import corrected
from cellfate.tracks.edits.apply import check_edited_tracks
from cellfate.tracks.labels.apply import labelled
from cellfate.tracks.raw import RecordingFacts
from cellfate.tracks.statements import OutcomesFrom
from cellfate.tracks.tables import LEFT_OUT, OUTCOME_SOURCES, OUTCOMES, TRACKS

log_to(snakemake.log[0])

frames = open_frames(**snakemake.params.frames)
check_frames(frames)
facts = RecordingFacts(
    snakemake.wildcards.recording,
    frames.n_frames,
    frames.shape,
    pixel_size_um=snakemake.params.pixel_size_um,
    frame_interval_min=snakemake.params.frame_interval_min,
    last_image=snakemake.params.frames.get("last_image"),
)
checked = check_edited_tracks(
    snakemake.input.tracks,
    snakemake.params.tracks_format,
    facts,
    snakemake.params.event_gap,
    OutcomesFrom(**snakemake.params.outcomes_from, rows=snakemake.params.outcome_rows),
    edited=snakemake.input.get("edited") or None,
)
checked = labelled(checked, json.loads(snakemake.params.labels), facts, snakemake.params.event_gap)
corrections = json.loads(snakemake.params.corrections)
checked = corrected(checked, corrections, snakemake.params.corrected_by, facts, snakemake.params.event_gap)
checked.say_warnings()
write_table(checked.tracks, snakemake.output.tracks, TRACKS)
write_table(checked.outcomes, snakemake.output.outcomes, OUTCOMES)
write_table(checked.left_out, snakemake.output.left_out, LEFT_OUT)
write_table(checked.sources, snakemake.output.sources, OUTCOME_SOURCES)
