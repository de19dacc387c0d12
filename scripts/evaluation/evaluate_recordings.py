"""Score held-out recordings one by one, beside how far each lies from the training recordings of its fold."""

import sys

from cellfate.base.logs import log_to
from cellfate.base.tables import read_tables, write_table
from cellfate.evaluation.recordings import recordings_lines, score_recordings, score_spread
from cellfate.evaluation.tables import RECORDING_SHIFT, RECORDING_SPREAD
from cellfate.model.shift.seen import read_seen
from cellfate.model.tables import PREDICTIONS, SHIFT

log_to(snakemake.log[0])

predictions = read_tables(snakemake.input.predictions, PREDICTIONS)
scores, values = score_recordings(predictions, read_seen(snakemake.input.training))
spread = score_spread(predictions, draws=snakemake.params.bootstrap, seed=snakemake.params.seed)
print(*recordings_lines(scores, spread), sep="\n", file=sys.stderr, flush=True)
write_table(scores, snakemake.output.scores, RECORDING_SHIFT)
write_table(values, snakemake.output.values, SHIFT)
write_table(spread, snakemake.output.spread, RECORDING_SPREAD)
