"""Train the network again on resampled cells, for the interval of its transition matrix."""

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.transition.files import read_genes, read_prepared
from cellfate.transition.matrix.refits import matrix_refits
from cellfate.transition.tables import MATRIX_REFITS

log_to(snakemake.log[0])

refits = matrix_refits(
    read_prepared(snakemake.input.prepared),
    snakemake.params.network,
    refits=snakemake.params.matrix_refits,
    seed=snakemake.params.seed,
    model=snakemake.params.model,
    training=snakemake.params.training,
    prior=read_genes(snakemake.input.prior) if snakemake.input.prior else (),
    threads=snakemake.threads,
)
write_table(refits, snakemake.output.refits, MATRIX_REFITS)
