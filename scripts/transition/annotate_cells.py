"""Write what a run says of every cell as an h5ad file, and where each is drawn."""

import pandas as pd

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, write_table
from cellfate.transition.annotated import annotated_cells, view_table, write_annotated
from cellfate.transition.files import read_prepared
from cellfate.transition.h5ad import cell_names, read_view
from cellfate.transition.network.variants import load_networks
from cellfate.transition.tables import CELL_FATES, CELL_VIEW, TRANSITION_FATES, TRANSITION_MATRIX

log_to(snakemake.log[0])

given, none = snakemake.input, pd.DataFrame(columns=["cell", "group"])
variant, networks = load_networks(given.networks)
fates = read_table(given.fates, TRANSITION_FATES) if given.fates else none
cell_fates = read_table(given.cell_fates, CELL_FATES) if given.cell_fates else none
cells = annotated_cells(read_prepared(given.prepared), variant, networks, read_table(given.matrices, TRANSITION_MATRIX), fates, cell_fates)
cells = cells.in_order(cell_names(given.cells))
view = read_view(given.cells, snakemake.params.view) if snakemake.params.view else None
write_table(view_table(cells, view), snakemake.output.view, CELL_VIEW)
write_annotated(cells, snakemake.output.cells)
