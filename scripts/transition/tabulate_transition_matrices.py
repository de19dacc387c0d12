"""Put the transition matrices of all variants into one table, the counted one with them, with their intervals."""

import pandas as pd

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, write_table
from cellfate.transition.files import read_prepared
from cellfate.transition.summaries import matrices_table
from cellfate.transition.tables import MATRIX_REFITS, TRANSITION_MATRIX

log_to(snakemake.log[0])

tables = [read_table(path, TRANSITION_MATRIX) for path in snakemake.input.matrices]
refits = read_table(snakemake.input.refits, MATRIX_REFITS) if snakemake.input.refits else pd.DataFrame(columns=list(MATRIX_REFITS.columns))
matrices = matrices_table(tables, refits, read_prepared(snakemake.input.prepared), snakemake.params.network)
write_table(matrices, snakemake.output.matrices, TRANSITION_MATRIX)
