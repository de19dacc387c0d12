"""The files that the section ``transition`` names, opened as a run would open them."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

import pandas as pd

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError


def cell_problems(settings: Mapping) -> Generator[str, None, str | None]:
    """Yield what reading the cells, and the lists of genes beside them, would stop at; return what the file of cells holds in words.

    The cells are read, and what they become is found, by the function that the run calls; only the split is not tried.
    """
    from cellfate.transition.files import read_gene_sets, read_genes
    from cellfate.transition.fit import read_cells
    from cellfate.transition.h5ad import read_view
    from cellfate.transition.metrics import check_confidence_k
    from cellfate.transition.parts import check_refits

    for key, read in (("prior", read_genes), ("gene_sets", read_gene_sets)):
        if settings[key] is not None:
            yield from _raised(read, settings[key], source=settings[key])
    given = (yield from _given(settings["compare"])) if settings["compare"]["matrix"] is not None else None
    if settings["source"] == "features" and settings["tracks"]["files"]:
        return (yield from _tracks_in_words(settings, given))
    expression, targets = settings["expression"], settings["targets"]
    if settings["source"] != "file" or expression["path"] is None:
        return None
    reading = {key: settings[key] for key in ("label", "group", "min_cells", "leave_out", "components", "targets", "embedding")}
    of_targets = {"optimal_transport": targets["time"], "pseudotime": targets["column"]}
    along = settings["fates"]["along"] or of_targets.get(targets["kind"])
    reading |= {"layer": expression["layer"], "kind": expression["kind"], "condition": settings["condition"]["column"], "along": along}
    try:
        if settings["view"] is not None:
            read_view(expression["path"], settings["view"])
        table = read_cells(expression["path"], **reading)
        check_confidence_k(settings["confidence_k"], len(table.phenotypes))
        if table.targets_kind != "static":
            check_refits(table.phenotype, settings["knockouts"]["refits"], table.groups, names=table.phenotypes)
        shared = None if given is None else _not_shared(given, table.phenotypes, settings["compare"]["matrix"])
    except Exception as error:  # a damaged file fails in many ways
        yield in_words(error, expression["path"])
        return None
    if shared is not None:
        yield shared
    return f"{len(table.expression.genes)} genes; {table.describe()}"


def _given(compare: Mapping) -> Generator[str, None, pd.DataFrame | None]:
    """Yield what is wrong with the matrix to compare with; return it, None where something is."""
    from cellfate.transition.matrix.compared import read_given

    try:
        return read_given(compare)
    except Exception as error:
        yield in_words(error, compare["matrix"])
        return None


def _not_shared(given: pd.DataFrame, phenotypes: Sequence[str], path: str) -> str | None:
    from cellfate.transition.matrix.compared import check_shared

    try:
        check_shared(given, phenotypes, path)
    except InputError as error:
        return str(error)
    return None


def _tracks_in_words(settings: Mapping, given: pd.DataFrame | None) -> Generator[str, None, str | None]:
    """Yield what gathering the looks of tracked cells from the user's tables would stop at; return how many there are, in words."""
    from cellfate.transition.tracks.looks import find_looks
    from cellfate.transition.tracks.reading import TrackColumns, read_tracks

    tracks = settings["tracks"]
    others = [name for name in (settings["group"], settings["condition"]["column"]) if name not in (None, "recording", "track")]
    columns = TrackColumns(*(tracks[key] for key in ("recording", "track", "time", "phenotype")), tuple(dict.fromkeys(others)))
    try:
        found = read_tracks(tracks["files"], columns, tracks["features"])
        found = found if columns.phenotype else found.clustered(lambda values, names: ([0] * len(values), []))[0]  # clusters are not tried
        hours = found.rows["time"].to_numpy(float) * tracks["hours"]
        looks = find_looks(found, hours, tracks["lag_h"], drop_incomplete="incomplete" in settings["leave_out"])
        names = sorted(set(looks.columns["phenotype"]) - {""})
        shared = _not_shared(given, names, settings["compare"]["matrix"]) if given is not None and columns.phenotype else None
    except Exception as error:  # a damaged table fails in many ways
        yield in_words(error, tracks["files"][0])
        return None
    if shared is not None:
        yield shared
    return looks.lines[0]


def _raised(read: Callable, *arguments, source: object) -> Iterator[str]:
    try:
        read(*arguments)
    except Exception as error:
        yield in_words(error, source)
