"""What is shown of each feature, and what is not, in a sentence."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, write_table
from cellfate.explanation.findings import describe_features
from cellfate.explanation.tables import CONTRASTS, EFFECT_SUMMARY, FINDINGS

log_to(snakemake.log[0])

table = describe_features(
    read_table(snakemake.input.contrasts, CONTRASTS),
    read_table(snakemake.input.effects, EFFECT_SUMMARY),
    snakemake.params.outcomes,
    snakemake.params.high_by,
)
write_table(table, snakemake.output.table, FINDINGS)
