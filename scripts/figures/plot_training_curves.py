"""Draw the training curves of all folds from the model folders."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.figures.training_curves import plot_training_curves, read_curves

log_to(snakemake.log[0])

save_figure(plot_training_curves(read_curves(snakemake.input.models)), snakemake.output.pdf, snakemake.output.png)
