"""Put the published numbers beside ours."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table
from cellfate.evaluation.published import compare_published, seen_in_training, write_comparison
from cellfate.evaluation.tables import METRICS
from cellfate.explanation.tables import ATTENTION_PROFILE, EFFECT_SUMMARY

log_to(snakemake.log[0])

table = compare_published(
    snakemake.wildcards.dataset,
    [read_table(path, METRICS) for path in (snakemake.input.metrics, snakemake.input.truncation, snakemake.input.last_k)],
    read_table(snakemake.input.effects, EFFECT_SUMMARY),
    read_table(snakemake.input.profile, ATTENTION_PROFILE),
    outcomes=snakemake.params.outcomes,
    treatment=snakemake.params.treatment,
    reference=snakemake.params.reference,
    seen=seen_in_training(snakemake.params.checkpoint, snakemake.params.unit, snakemake.params.order_known),
)
write_comparison(table, snakemake.output.table)
