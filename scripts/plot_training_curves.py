"""Draw the training curves of all folds from the model folders."""

from cellfate.logs import log_to
from cellfate.plot_checks import plot_training_curves, read_curves
from cellfate.plot_style import save_figure

log_to(snakemake.log[0])

save_figure(plot_training_curves(read_curves(snakemake.input.models)), snakemake.output.pdf, snakemake.output.png)
