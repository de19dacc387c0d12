"""Read and check an h5ad file, find what its cells become, and prepare them for the networks."""

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.transition.files import PreparedFile, read_gene_sets, read_genes, write_prepared
from cellfate.transition.fit import prepare_cells, prepare_left_out, read_cells
from cellfate.transition.genes.named import NamedGenes
from cellfate.transition.h5ad import read_view
from cellfate.transition.metrics import check_confidence_k
from cellfate.transition.parts import check_refits
from cellfate.transition.targets.found import FOUND_TABLES

log_to(snakemake.log[0])

settings, seed = snakemake.params.settings, snakemake.params.seed
prior = read_genes(snakemake.input.prior) if snakemake.input.prior else []
sets = read_gene_sets(snakemake.input.gene_sets) if snakemake.input.gene_sets else {}
table = read_cells(
    snakemake.input.cells,
    label=settings["label"],
    targets=settings["targets"],
    layer=settings["expression"]["layer"],
    kind=settings["expression"]["kind"],
    min_cells=settings["min_cells"],
    components=settings["components"],
    leave_out=settings["leave_out"],
    embedding=snakemake.input.embedding or None,
    group=settings["group"],
    condition=settings["condition"],
    along=settings["along"],
)
if settings["view"]:
    read_view(snakemake.input.cells, settings["view"])
check_confidence_k(snakemake.params.confidence_k, len(table.phenotypes))
if table.targets_kind != "static":
    check_refits(table.phenotype, snakemake.params.refits, table.groups, names=table.phenotypes)
named = NamedGenes(prior, sets)
split = {key: settings[key] for key in ("fractions", "genes", "components")}
prepared, cells = prepare_cells(table, **split, seed=seed, always=named.all)
print(table.describe())
print(f"{len(prepared.genes)} genes; the embedding is {prepared.embedding_name}")
print(*named.report(table.expression.genes, prepared.genes, settings["genes"]), sep="\n")
labels = {"groups": table.groups, "conditions": table.conditions, "along": table.along, "absorbing": table.absorbing}
if table.left_out is not None:
    labels |= {"left_out": prepare_left_out(table, prepared), "left_out_phenotype": table.left_out.codes(table.phenotypes)}
file = PreparedFile(prepared, cells.phenotype, table.phenotypes, cells.targets, table.targets_kind, **labels)
write_prepared(file, snakemake.output.prepared)
print("\n".join(table.found.lines))
for declared in FOUND_TABLES:
    write_table(table.found.table(declared), snakemake.output[declared.name], declared)
