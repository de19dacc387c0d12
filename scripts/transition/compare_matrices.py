"""Put P of another place beside this run's."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, write_table
from cellfate.transition.fates.chain import step_days
from cellfate.transition.matrix.compared import compare_matrices, compared_lines, own_rows
from cellfate.transition.tables import COMPARED_MATRICES, GIVEN_MATRIX, TRANSITION_MATRIX, TRANSITION_RATES

log_to(snakemake.log[0])

compared = compare_matrices(
    own_rows(read_table(snakemake.input.matrices, TRANSITION_MATRIX), snakemake.params.own),
    read_table(snakemake.input.given, GIVEN_MATRIX),
    step_days=step_days(read_table(snakemake.input.rates, TRANSITION_RATES)),
    step_h=snakemake.params.step_h,
    per=snakemake.params.per,
)
print("\n".join(compared_lines(compared)))
write_table(compared, snakemake.output.compared, COMPARED_MATRICES)
