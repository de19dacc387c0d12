"""Draw the predictions of one recording: tracks on the first and last frame, and each track's probability over time."""

from cellfate.exported_model import read_settings
from cellfate.frames import open_frames
from cellfate.logs import log_to
from cellfate.plot_style import save_figure
from cellfate.prediction_plots import grey_image, plot_predictions
from cellfate.tables import read_table

log_to(snakemake.log[0])

frames = open_frames(**snakemake.params.frames)
figure = plot_predictions(
    read_table(snakemake.input.predictions, "fate_predictions"),
    read_table(snakemake.input.tracks, "tracks"),
    {t: grey_image(frames.read(t)) for t in (0, frames.n_frames - 1)},
    read_settings(snakemake.input.model)["outcomes"],
    recording=snakemake.wildcards.recording,
    frame_interval_min=snakemake.params.frame_interval_min,
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
