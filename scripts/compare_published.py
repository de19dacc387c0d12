"""Put the published numbers beside ours."""

from cellfate.logs import log_to
from cellfate.published import compare_published, write_comparison
from cellfate.tables import read_table

log_to(snakemake.log[0])

table = compare_published(
    snakemake.wildcards.dataset,
    [read_table(path, "metrics") for path in (snakemake.input.metrics, snakemake.input.truncation, snakemake.input.last_k)],
    read_table(snakemake.input.effects, "effect_summary"),
    read_table(snakemake.input.profile, "attention_profile"),
    outcomes=snakemake.params.outcomes,
    treatment=snakemake.params.treatment,
    reference=snakemake.params.reference,
)
write_comparison(table, snakemake.output.table)
