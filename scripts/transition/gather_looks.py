"""Make cells of tracked cells: their features and phenotype at each look, and the phenotype at the next."""

import pandas as pd

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables
from cellfate.segmentation.tables import FEATURES
from cellfate.states.clusters import found_states
from cellfate.states.tables import STATES
from cellfate.transition.h5ad import write_h5ad
from cellfate.transition.tracks.looks import find_looks
from cellfate.transition.tracks.reading import TrackColumns, gathered, read_tracks

log_to(snakemake.log[0])

params, settings, others = snakemake.params, snakemake.params.tracks, tuple(snakemake.params.others)
if params.facts:
    sheet = pd.DataFrame(params.facts)
    key = ["recording", "track_id", "frame"]
    table = read_tables(snakemake.input.tables, FEATURES).merge(read_table(snakemake.input.states, STATES), on=key)
    table = table.merge(sheet.drop(columns="frame_interval_min"), on="recording")
    tracks = gathered({"features": table}, TrackColumns(*key, "state", others), settings["features"])
    hours = tracks.rows["time"] * tracks.rows["recording"].map(sheet.set_index("recording")["frame_interval_min"] / 60)
else:
    columns = TrackColumns(*(settings[name] for name in ("recording", "track", "time", "phenotype")), others)
    tracks = read_tracks(snakemake.input.tables, columns, settings["features"])
    hours = tracks.rows["time"] * settings["hours"]
    if columns.phenotype is None:
        tracks, lines = tracks.clustered(lambda values, names: found_states(values, names, params.n_states, seed=params.seed))
        print(*lines, sep="\n")
looks = find_looks(tracks, hours.to_numpy(float), settings["lag_h"], drop_incomplete=params.drop_incomplete)
print(*looks.lines, sep="\n")
write_h5ad(snakemake.output.cells, looks.values, looks.names, looks.features, looks.columns)
