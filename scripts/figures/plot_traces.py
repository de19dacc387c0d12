"""Draw the average traces of features before the end, with the windows in which the outcomes differ."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.explanation.tables import CONTRASTS, TRACES
from cellfate.figures.traces import plot_traces

log_to(snakemake.log[0])

figure = plot_traces(
    read_table(snakemake.input.traces, TRACES),
    read_table(snakemake.input.contrasts, CONTRASTS),
    outcomes=snakemake.params.outcomes,
    min_trajectories=snakemake.params.min_trajectories,
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
