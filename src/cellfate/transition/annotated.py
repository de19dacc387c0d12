"""What a run says of every cell, written as an h5ad file that anndata and scanpy read, in the order of the user's file.

obs: part, phenotype, predictions, probabilities of the next phenotype and of fates. uns: P with names and intervals, and where chains
end. obsm: the embedding. X: the logarithms of the analysed genes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from torch import nn

from cellfate.base.hdf5 import writing_hdf5
from cellfate.base.software import SOFTWARE
from cellfate.transition.cells import Cells
from cellfate.transition.files import PreparedFile, without_scaling
from cellfate.transition.metrics import uncertainty
from cellfate.transition.network.training import predict
from cellfate.transition.network.variants import VARIANTS, model_of

PREFIX = "cellfate_"  # of the columns, so that they can be joined to a file that has others
LIMITS = {"P": "probability", "low": "ci_low", "high": "ci_high"}


@dataclass(frozen=True)
class Annotated:
    """``obs`` by the names of the cells, ``genes`` and their logarithms (N, m), the ``embedding`` (N, d), and nested ``uns``."""

    obs: pd.DataFrame
    genes: np.ndarray
    logs: np.ndarray
    embedding: np.ndarray
    uns: dict[str, object]

    def in_order(self, names: Sequence[str]) -> "Annotated":
        """The same cells in the order of ``names``, which has them all."""
        places = pd.Index(self.obs.index).get_indexer(pd.Index(list(names), dtype=object))
        return Annotated(self.obs.iloc[places], self.genes, self.logs[places], self.embedding[places], self.uns)


def annotated_cells(
    file: PreparedFile, variant: str, networks: Sequence[nn.Module], matrices: pd.DataFrame, fates: pd.DataFrame, cell_fates: pd.DataFrame
) -> Annotated:
    """All cells, those that were left out too, with what the ``networks`` of all seeds say of them together, and their fates.

    ``matrices``, ``fates`` and ``cell_fates`` are the tables of these names; the last two are empty for static labels. A cell without a
    phenotype has a predicted one, and no next one.
    """
    everything = [file.prepared, *([] if file.left_out is None else [file.left_out])]
    scaled = [part if VARIANTS[variant].get("standardise", True) else without_scaling(part) for part in everything]
    phenotype = file.phenotype if file.left_out is None else np.append(file.phenotype, file.left_out_phenotype)
    values, embedding = (np.concatenate([getattr(part, name) for part in scaled]) for name in ("values", "embedding"))
    said = _said(variant, networks, values, embedding, phenotype, file)
    names = np.array([*file.phenotypes, None], dtype=object)
    columns = {"part": np.concatenate([part.parts for part in everything]), "phenotype": names[phenotype], **said}
    obs = pd.DataFrame(columns, index=pd.Index(np.concatenate([part.cells for part in everything]), dtype=object))
    ends = cell_fates.set_index("cell")[[name for name in cell_fates if name.startswith("f_")]]
    ends = ends.rename(columns=lambda name: f"fate_{name.removeprefix('f_')}")
    obs = obs.join(ends).add_prefix(PREFIX)
    logs = np.concatenate([part.log_expression for part in everything])
    return Annotated(obs, file.prepared.genes, logs, embedding, {"cellfate": _uns(file, variant, matrices, fates)})


def _said(
    variant: str, networks: Sequence[nn.Module], values: np.ndarray, embedding: np.ndarray, phenotype: np.ndarray, file: PreparedFile
) -> dict[str, np.ndarray]:
    """Predicted phenotype with its probability and doubt, and next phenotypes, by the mean of the networks."""
    known, n = phenotype >= 0, len(file.phenotypes)
    cells = Cells(values, embedding, np.maximum(phenotype, 0), np.full((len(values), n), np.nan), file.absorbing)
    predictions = [predict(network, cells) for network in networks]
    fused, full = (np.mean([getattr(one, name) for one in predictions], axis=0) for name in ("fused", "full"))
    columns = {"predicted": np.array(file.phenotypes, object)[fused.argmax(axis=1)], "probability": fused.max(axis=1)}
    if "network" not in VARIANTS[variant]:
        columns["uncertainty"] = np.clip(uncertainty(full, fused), 0, 1)
    if file.targets_kind != "static":
        q = np.mean([model_of(variant, network)(values, embedding, cells.phenotype) for network in networks], axis=0)
        columns |= {f"next_{name}": np.where(known, q[:, place], np.nan) for place, name in enumerate(file.phenotypes)}
    return columns


def _uns(file: PreparedFile, variant: str, matrices: pd.DataFrame, fates: pd.DataFrame) -> dict[str, object]:
    """P of the network and counted, with limits and what these rest on; where chains end."""
    names = file.phenotypes
    found = {"software": SOFTWARE, "network": variant, "phenotypes": names, "targets": file.targets_kind}
    found["absorbing"] = [names[place] for place in file.absorbing]
    for one in dict.fromkeys([variant, "counted", "logistic"]):
        own = matrices[matrices["variant"] == one]
        if len(own):
            kind = "confusion" if own["kind"].iloc[0] == "confusion" else "transitions"
            wide = {key: own.pivot(index="source", columns="target", values=column) for key, column in LIMITS.items()}
            found[f"{kind}_{one}"] = {key: table.loc[names, names].to_numpy(float) for key, table in wide.items()} | {
                "interval": own.drop_duplicates("source").set_index("source").loc[names, "interval"].tolist(),
                "entropy": own.drop_duplicates("source").set_index("source").loc[names, "entropy"].to_numpy(float),
            }
    for group, own in fates.groupby("group", sort=False):
        ends = list(dict.fromkeys(own["fate"]))
        wide = {key: own.pivot(index="source", columns="fate", values=column) for key, column in LIMITS.items()}
        absorption = {key: table.reindex(index=names, columns=ends).to_numpy(float) for key, table in wide.items()}
        found[f"fates_{group}"] = {"fates": ends, "absorption": absorption}
    return found


def write_annotated(cells: Annotated, path: str | Path) -> None:
    """Write an h5ad file in AnnData's format 0.1.0; it gets its name when it is whole."""
    with writing_hdf5(path) as file:
        file.attrs.update(_encoded("anndata", "0.1.0"))
        x = file.create_dataset("X", data=cells.logs.astype(np.float32), compression="gzip")
        x.attrs.update(_encoded("array"))
        _write_frame(file, "obs", cells.obs)
        _write_frame(file, "var", pd.DataFrame(index=pd.Index(cells.genes.astype(str), dtype=object)))
        _write(file, "obsm", {"X_cellfate": cells.embedding})
        _write(file, "uns", cells.uns)


def _encoded(kind: str, version: str = "0.2.0") -> dict[str, str]:
    return {"encoding-type": kind, "encoding-version": version}


def _in_one_level(name: str) -> str:
    """A name without a slash, which would be a folder in the file."""
    return name.replace("/", "_")


def _write_frame(file: h5py.File, name: str, table: pd.DataFrame) -> None:
    group, table = file.create_group(name), table.rename(columns=_in_one_level)
    group.attrs.update(_encoded("dataframe") | {"_index": "_index"})
    group.attrs["column-order"] = np.array(list(table), dtype=h5py.string_dtype())
    _write(group, "_index", list(table.index.astype(str)))
    for column in table:
        values = table[column]
        if values.dtype.kind == "f":
            _write(group, column, values.to_numpy(float))
        else:
            _write_categories(group, column, values)


def _write_categories(group: h5py.Group, name: str, values: pd.Series) -> None:
    found = pd.Categorical(values)
    node = group.create_group(name)
    node.attrs.update(_encoded("categorical") | {"ordered": False})
    _write(node, "codes", found.codes)
    _write(node, "categories", [str(value) for value in found.categories])


def _write(group: h5py.Group, name: str, value: object) -> None:
    """A mapping, a list of text, a text or an array of numbers."""
    name = _in_one_level(name)
    if isinstance(value, Mapping):
        node = group.create_group(name)
        node.attrs.update(_encoded("dict", "0.1.0"))
        for key, inner in value.items():
            _write(node, key, inner)
        return
    if isinstance(value, list | str):
        text = isinstance(value, str)
        data = value if text else np.array(value, dtype=object)
        node = group.create_dataset(name, data=data, dtype=h5py.string_dtype())
        node.attrs.update(_encoded("string" if text else "string-array"))
        return
    group.create_dataset(name, data=np.asarray(value)).attrs.update(_encoded("array"))


def view_table(cells: Annotated, view: np.ndarray | None) -> pd.DataFrame:
    """The table cell_view: where each cell is drawn, by the first two columns of ``view`` (N, d), else of the embedding."""
    places = cells.embedding if view is None else view
    columns = ["part", "phenotype", "predicted"]
    table = cells.obs[[PREFIX + name for name in columns]].set_axis(columns, axis=1)
    table.insert(0, "cell", cells.obs.index)
    table["x"], table["y"] = places[:, 0], places[:, 1] if places.shape[1] > 1 else 0.0
    ends = [name for name in cells.obs if name.startswith(f"{PREFIX}fate_")]
    return table.assign(**{f"f_{name.removeprefix(f'{PREFIX}fate_')}": cells.obs[name] for name in ends}).reset_index(drop=True)
