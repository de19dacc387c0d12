"""Write the summary page of a run from its tables, figures and captions."""

from cellfate.logs import log_to
from cellfate.software import SOFTWARE
from cellfate.summary import write_summary
from cellfate.tables import read_table

log_to(snakemake.log[0])

write_summary(
    snakemake.output.page,
    dataset=snakemake.wildcards.dataset,
    protocol=snakemake.wildcards.protocol,
    outcomes=snakemake.params.outcomes,
    metrics=read_table(snakemake.input.metrics, "metrics"),
    truncation=read_table(snakemake.input.truncation, "metrics"),
    flow=read_table(snakemake.input.flow, "flow"),
    calibration=read_table(snakemake.input.calibration, "calibration"),
    effects=read_table(snakemake.input.effects, "effect_summary"),
    figures=snakemake.input.figures,
    captions=snakemake.input.captions,
    notes=snakemake.params.notes,
    software=SOFTWARE,
    config_digest=snakemake.params.config_digest,
)
