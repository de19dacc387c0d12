"""Write the page on which people say how tracks end, from tracks and crops."""

import json

from cellfate.base.logs import log_to
from cellfate.base.tables import read_tables
from cellfate.explorer.labelling.write import LabelSettings, write_label_page
from cellfate.explorer.write import PageSettings
from cellfate.tracks.tables import OUTCOMES, TRACKS

log_to(snakemake.log[0])

write_label_page(
    snakemake.output.page,
    snakemake.wildcards.dataset,
    read_tables(snakemake.input.tracks, TRACKS),
    read_tables(snakemake.input.outcomes, OUTCOMES),
    snakemake.input.crops,
    snakemake.params.sheet,
    words=snakemake.params.words,
    labels=json.loads(snakemake.params.labels),
    predictions=[path for path, _ in snakemake.params.predictions],
    label=LabelSettings(**snakemake.params.label),
    settings=PageSettings(**snakemake.params.settings, seed=snakemake.params.seed),
)
