"""Draw how good the risks over time are."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.evaluation.risks.tables import DECIDED, FATE_BEFORE, RISK_ALARMS, RISK_CALIBRATION, RISK_SCORES
from cellfate.figures.scores.risk_scores import plot_risk_scores

log_to(snakemake.log[0])

figure = plot_risk_scores(
    read_table(snakemake.input.scores, RISK_SCORES),
    read_table(snakemake.input.calibration, RISK_CALIBRATION),
    read_table(snakemake.input.alarms, RISK_ALARMS),
    read_table(snakemake.input.fates, FATE_BEFORE),
    read_table(snakemake.input.decided, DECIDED),
    snakemake.params.outcomes,
    min_trajectories=snakemake.params.min_trajectories,
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
