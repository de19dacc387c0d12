"""Check the movies of one recording's cells, and write the tables of its tracks and outcomes."""

import sys

from cellfate.base.logs import log_to
from cellfate.base.progress import progress
from cellfate.base.tables import write_table
from cellfate.crops.movies import MovieSettings, check_alike, look_at_movie, movies_table, notes_of, short_movies
from cellfate.crops.tables import CELLS_OF_RECORDING
from cellfate.recordings.cells import lines_by_cell, where_is
from cellfate.tracks.movies import tables_of_movies
from cellfate.tracks.tables import LEFT_OUT, OUTCOME_SOURCES, OUTCOMES, TRACKS

log_to(snakemake.log[0])

params, recording = snakemake.params, snakemake.wildcards.recording
settings = MovieSettings(params.channels.split(","), params.size, params.other_sizes, params.constant_frames)
lines = lines_by_cell(params.sheet)
places = [where_is(row["cell"], recording, params.sheet, lines) for row in params.cells]
rows = list(zip(params.cells, places, strict=True))
movies = [look_at_movie(row, place, settings) for row, place in progress(rows, f"read_movies {recording}", unit="movie")]
check_alike(movies)
for line in [*notes_of(movies), *short_movies(movies, params.min_frames)]:
    print(f"WARNING: {line}", file=sys.stderr)
checked = tables_of_movies(recording, [movie.cell for movie in movies], params.sheet, event_gap=params.event_gap, words=params.words)
checked.say_warnings()
write_table(checked.tracks, snakemake.output.tracks, TRACKS)
write_table(checked.outcomes, snakemake.output.outcomes, OUTCOMES)
write_table(checked.left_out, snakemake.output.left_out, LEFT_OUT)
write_table(checked.sources, snakemake.output.sources, OUTCOME_SOURCES)
write_table(movies_table(recording, params.cells, movies), snakemake.output.cells, CELLS_OF_RECORDING)
