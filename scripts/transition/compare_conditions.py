"""P of each condition, and whether it differs from the control's."""

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.transition.fates.conditions import condition_tables, findings
from cellfate.transition.files import read_prepared
from cellfate.transition.tables import CONDITION_MATRICES, CONDITION_TESTS

log_to(snakemake.log[0])

numbers = {name: snakemake.params[name] for name in ("permutations", "bootstrap", "seed")}
matrices, tests = condition_tables(read_prepared(snakemake.input.prepared), snakemake.params.control, **numbers)
print("\n".join(findings(tests)))
write_table(matrices, snakemake.output.matrices, CONDITION_MATRICES)
write_table(tests, snakemake.output.tests, CONDITION_TESTS)
