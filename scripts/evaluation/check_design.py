"""Say what stands where, and what the design alone tells of the outcome; a warning shows in the log at once."""

import sys

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, write_table
from cellfate.evaluation.design import DesignSettings, check_design, tabulate_design
from cellfate.evaluation.tables import DESIGN, DESIGN_LINES, DESIGN_SCORES
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])

params = snakemake.params
trajectories = read_table(snakemake.input.trajectories, TRAJECTORIES)
settings = DesignSettings(params.outcomes, params.unit, params.confounded_from, params.shuffle_labels)
scores, lines = check_design(trajectories, read_table(snakemake.input.split, SPLIT), settings)
for text in lines["text"]:
    print(text, file=sys.stderr, flush=True)
write_table(tabulate_design(trajectories), snakemake.output.design, DESIGN)
write_table(scores, snakemake.output.scores, DESIGN_SCORES)
write_table(lines, snakemake.output.lines, DESIGN_LINES)
