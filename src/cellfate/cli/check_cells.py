"""The files that the section ``transition`` names, opened as a run would open them."""

from collections.abc import Callable, Generator, Iterator, Mapping

from cellfate.base.errors import in_words


def cell_problems(settings: Mapping) -> Generator[str, None, str | None]:
    """Yield what reading the cells, and the lists of genes beside them, would stop at; return what the file of cells holds in words."""
    from cellfate.transition.expression import column_of, labels_of, read_embedding
    from cellfate.transition.files import read_gene_sets, read_genes
    from cellfate.transition.h5ad import read_h5ad

    for key, read in (("prior", read_genes), ("gene_sets", read_gene_sets)):
        if settings[key] is not None:
            yield from _raised(read, settings[key], source=settings[key])
    expression, targets = settings["expression"], settings["targets"]
    if settings["source"] != "file" or expression["path"] is None:
        return None
    try:
        cells = read_h5ad(expression["path"], layer=expression["layer"], kind=expression["kind"])
        _, phenotypes = labels_of(cells, settings["label"], settings["min_cells"])
    except Exception as error:  # a damaged file fails in many ways
        yield in_words(error, expression["path"])
        return None
    columns = {"transition.group": settings["group"], **{f"transition.targets.{key}": targets[key] for key in ("column", "time")}}
    for key, name in columns.items():
        if name is not None:
            yield from _raised(column_of, cells, name, key, source=expression["path"])
    if settings["embedding"] is not None:
        yield from _raised(read_embedding, settings["embedding"], cells.cells, source=settings["embedding"])
    return f"{len(cells.cells)} cells, {len(cells.genes)} genes; phenotypes: {', '.join(map(str, phenotypes))}"


def _raised(read: Callable, *arguments, source: object) -> Iterator[str]:
    try:
        read(*arguments)
    except Exception as error:
        yield in_words(error, source)
