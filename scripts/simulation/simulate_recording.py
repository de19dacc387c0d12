"""Simulate one recording: frames and annotations as users have them, and its truth."""

from cellfate.base.logs import log_to
from cellfate.simulation.files import write_simulated_recording

log_to(snakemake.log[0])

write_simulated_recording(
    images=snakemake.output.images,
    annotations=snakemake.output.annotations,
    truth=snakemake.output.truth,
    recording=snakemake.wildcards.recording,
    settings=snakemake.params.settings,
    seed=snakemake.params.seed,
    treatment=snakemake.params.treatment,
    dose=snakemake.params.dose,
    treatment_start_h=snakemake.params.treatment_start_h,
    frame_interval_min=snakemake.params.frame_interval_min,
)
