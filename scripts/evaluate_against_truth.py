"""Score the masks, the fates and the time of prediction against the simulator's truth: a leaf, nothing reads it."""

from cellfate.segmentation import score_recordings
from cellfate.tables import read_table, read_tables, write_table
from cellfate.truth import read_true_cells, score_fates, score_outcomes

cells = read_true_cells(snakemake.input.truth)
predictions = read_tables(snakemake.input.predictions, "predictions")
trajectories = read_table(snakemake.input.trajectories, "trajectories")
outcomes = read_tables(snakemake.input.outcomes, "outcomes")
fates = score_fates(cells, predictions, trajectories, snakemake.params.outcomes)
write_table(fates, snakemake.output.fates, "truth_fates")
write_table(score_outcomes(cells, outcomes), snakemake.output.outcomes, "truth_outcomes")
