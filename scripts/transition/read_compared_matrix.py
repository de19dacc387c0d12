"""Read the matrix to compare with, and check that it shares phenotypes with this run."""

import json

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.transition.files import read_prepared
from cellfate.transition.matrix.compared import check_shared, read_given
from cellfate.transition.tables import GIVEN_MATRIX

log_to(snakemake.log[0])

compare = json.loads(snakemake.params.compare)
given = read_given(compare)
check_shared(given, read_prepared(snakemake.input.prepared).phenotypes, compare["matrix"])
write_table(given, snakemake.output.given, GIVEN_MATRIX)
