"""Compare each feature between the outcomes at the same time before the end, and average its traces, in held-out cells."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_tables, write_table
from cellfate.explanation.analysis import read_analysis
from cellfate.explanation.contrasts import HeldOutCells, contrast_features
from cellfate.explanation.tables import CONTRASTS, TRACES
from cellfate.explanation.traces import average_traces
from cellfate.segmentation.tables import FEATURES

log_to(snakemake.log[0])

analysis = read_analysis(
    snakemake.input.attention,
    snakemake.input.predictions,
    snakemake.input.trajectories,
    outcomes=snakemake.params.outcomes,
    splits=snakemake.params.splits,
    treatment=snakemake.params.treatment,
)
cells = HeldOutCells.of(analysis, read_tables(snakemake.input.features, FEATURES))
contrasts = contrast_features(
    cells,
    analysis.lengths.windows(snakemake.params.windows, cells.steps),
    draws=snakemake.params.null_draws,
    correction=snakemake.params.correction,
    seed=snakemake.params.seed,
)
write_table(contrasts, snakemake.output.contrasts, CONTRASTS)
write_table(average_traces(cells, analysis.fates), snakemake.output.traces, TRACES)
