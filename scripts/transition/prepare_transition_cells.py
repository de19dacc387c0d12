"""Read and check an h5ad file, find what its cells become, and prepare them for the networks."""

from cellfate.base.logs import log_to
from cellfate.transition.files import PreparedFile, write_prepared
from cellfate.transition.fit import prepare_cells, read_cells
from cellfate.transition.metrics import check_confidence_k

log_to(snakemake.log[0])

settings = snakemake.params.settings
table = read_cells(
    snakemake.input.cells,
    label=settings["label"],
    targets=settings["targets"],
    layer=settings["expression"]["layer"],
    kind=settings["expression"]["kind"],
    min_cells=settings["min_cells"],
    components=settings["components"],
    embedding=snakemake.input.embedding or None,
    group=settings["group"],
)
check_confidence_k(snakemake.params.confidence_k, len(table.phenotypes))
split = {key: settings[key] for key in ("fractions", "genes", "components")}
prepared, cells = prepare_cells(table, **split, seed=snakemake.params.seed)
sizes = f"{len(prepared.cells)} cells, {len(prepared.genes)} genes"
print(f"{sizes}, phenotypes {', '.join(table.phenotypes)}; the embedding is {prepared.embedding_name}")
file = PreparedFile(prepared, cells.phenotype, table.phenotypes, cells.targets, table.targets_kind, table.groups)
write_prepared(file, snakemake.output.prepared)
