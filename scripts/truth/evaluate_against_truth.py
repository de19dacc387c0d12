"""Score masks, fates, the time of prediction and where attention lies against the simulator's truth: a leaf, nothing reads it."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.model.tables import ATTENTION, PREDICTIONS
from cellfate.tracks.tables import OUTCOMES
from cellfate.trajectories.tables import TRAJECTORIES
from cellfate.truth.scores import read_true_cells, score_evidence, score_fates, score_outcomes, score_segmentation
from cellfate.truth.tables import TRUTH_EVIDENCE, TRUTH_FATES, TRUTH_OUTCOMES, TRUTH_SEGMENTATION

log_to(snakemake.log[0])

segmentation = score_segmentation(
    snakemake.input.masks,
    snakemake.input.crops,
    snakemake.input.truth,
    rule=snakemake.params.region,
    min_area=snakemake.params.min_area,
)
cells = read_true_cells(snakemake.input.truth)
predictions = read_tables(snakemake.input.predictions, PREDICTIONS)
trajectories = read_table(snakemake.input.trajectories, TRAJECTORIES)
fates = score_fates(cells, predictions, trajectories, snakemake.params.outcomes)
evidence = score_evidence(
    cells,
    read_tables(snakemake.input.attention, ATTENTION),
    predictions,
    trajectories,
    snakemake.params.outcomes,
    high_percentile=snakemake.params.high_percentile,
)
outcomes = score_outcomes(cells, read_tables(snakemake.input.outcomes, OUTCOMES))
write_table(segmentation, snakemake.output.segmentation, TRUTH_SEGMENTATION)
write_table(fates, snakemake.output.fates, TRUTH_FATES)
write_table(evidence, snakemake.output.evidence, TRUTH_EVIDENCE)
write_table(outcomes, snakemake.output.outcomes, TRUTH_OUTCOMES)
