"""Score masks, fates, the time of prediction and where attention lies against the simulator's truth: a leaf, nothing reads it."""

from cellfate.logs import log_to
from cellfate.tables import read_table, read_tables, write_table
from cellfate.truth import read_true_cells, score_evidence, score_fates, score_outcomes, score_segmentation

log_to(snakemake.log[0])

segmentation = score_segmentation(
    snakemake.input.masks,
    snakemake.input.crops,
    snakemake.input.truth,
    rule=snakemake.params.region,
    min_area=snakemake.params.min_area,
)
cells = read_true_cells(snakemake.input.truth)
predictions = read_tables(snakemake.input.predictions, "predictions")
trajectories = read_table(snakemake.input.trajectories, "trajectories")
fates = score_fates(cells, predictions, trajectories, snakemake.params.outcomes)
evidence = score_evidence(
    cells,
    read_tables(snakemake.input.attention, "attention"),
    predictions,
    trajectories,
    snakemake.params.outcomes,
    high_percentile=snakemake.params.high_percentile,
)
outcomes = score_outcomes(cells, read_tables(snakemake.input.outcomes, "outcomes"))
write_table(segmentation, snakemake.output.segmentation, "truth_segmentation")
write_table(fates, snakemake.output.fates, "truth_fates")
write_table(evidence, snakemake.output.evidence, "truth_evidence")
write_table(outcomes, snakemake.output.outcomes, "truth_outcomes")
