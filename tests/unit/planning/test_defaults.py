"""A default stands in one place: what config.yaml says is not said again by a function or a dataclass of the package."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "src/cellfate"
SECOND_PAPER = "transition"  # section of the configuration, and modules, that share nothing with the others but the seed
FROM_THE_SHEET = "source"  # its values are written to the sheet of the recordings, from which the rules take them
RULES_GIVE = {"threads"}  # to every step, though no key has the name
OTHER_NAMES = {"rule": "region", "bins": "calibration_bins", "percentile": "high_percentile", "draws": "null_draws"}  # argument: key

ONLY_PLACE = {
    "simulation.cellpose_training.NetworkTraining": "the small network's defaults stand here; config.yaml has no segmentation.training",
}
OTHER_THINGS = {
    "base.progress.meter.unit": "what is counted in a line of progress",
    "base.progress.progress.every": "seconds between lines of progress",
    "base.progress.progress.unit": "what is counted in a line of progress",
    "figures.recording.simulated.plot_simulation_montage.channel": "drawn alone, None: all in colours",
    "figures.recording.simulated.plot_simulation_montage.size": "pixels of a panel",
    **{
        f"frames.{reader}.__init__.labels": "names of channels in the files, None: those of the sheet"
        for reader in ("czi.CziFile", "folders.ChannelFolders", "nd2.Nd2File", "ome_zarr.OmeZarr", "stacks.TiffStack")
    },
    "model.network.sinusoidal_positions.device": "as torch names it, None: torch's own",
    "planning.checking.findings.Checked.outcomes": "what was found, filled while the check goes on",
    "planning.checking.findings.Checked.recordings": "what was found, filled while the check goes on",
    "planning.checking.findings.Checked.tracks": "what was found, filled while the check goes on",
    "recordings.discovery.folder.Survey.recordings": "what was found, filled while the folder is looked through",
    "recordings.discovery.folder.Survey.tracks": "what was found, filled while the folder is looked through",
    "recordings.discovery.tracks.FoundTracks.recordings": "names that stand in the file, none: it names none",
    "recordings.transfer.Wanted.size": "bytes of a file, None: unknown",
    "recordings.transfer._reported.every": "seconds between lines of progress",
    "recordings.transfer.fetch.size": "bytes of a file, None: unknown",
    "simulation.recording.simulate_recording.treatment": "of the recording, None: untreated",
    "transition.expression.prepare.embedding": "of the cells, None: PCA",
    "transition.files.PreparedFile.along": "of the cells, None: no trends",
    "transition.fit.CellTable.along": "of the cells, None: no trends",
    "transition.fit.read_cells.along": "a column, None: no trends",
    "transition.fit.CellTable.embedding": "of the cells, None: PCA",
    "transition.fit.read_cells.embedding": "a table of a pretrained model, None: PCA",
    "transition.fit.read_cells.leave_out": "what may be, none: every cell takes part",
    "transition.fit.read_cells.group": "a column, None: cells are split one by one",
    "transition.fit.train.prior": "names of genes, none: no list of them",
    "transition.fit.train.threads": "of a notebook; the rules give theirs",
    "transition.genes.knockouts.knockout_effects.label": "of a line of progress",
    "transition.genes.rankings.lime.n_cells": "explained, not simulated ones",
    "transition.genes.rankings.rank_regulators.prior": "names of genes, none: no list of them",
    "transition.genes.rankings.ranking_table.prior": "which genes are in a list, None: there is none",
    "transition.h5ad.Expression.source": "what messages call the file",
    "transition.network.baselines.BaselineNetwork.forward.keep": "genes of this call, None: those of the settings",
    "transition.network.model.TransitionModel.forward.keep": "genes of this call, None: those of the settings",
    "transition.network.training.train_network.label": "of a line of progress",
    "transition.network.training.train_network.threads": "of a notebook; the rules give theirs",
}


def leaves(section: Mapping) -> Iterator[str]:
    """Names of the keys, of all levels, that hold a value."""
    for key, value in section.items():
        if isinstance(value, dict):
            yield from leaves(value)
        else:
            yield key


def configured(second_paper: bool) -> set[str]:
    """The names of arguments that config.yaml gives a value, for modules of the second paper or for the others."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    if second_paper:
        return RULES_GIVE | {"seed", *leaves(config[SECOND_PAPER])}
    names = set(leaves({key: value for key, value in config.items() if key not in (SECOND_PAPER, FROM_THE_SHEET)}))
    return RULES_GIVE | names | {name for name, key in OTHER_NAMES.items() if key in names}


def defaults(path: Path, folder: Path = PACKAGE) -> Iterator[str]:
    """Every argument and dataclass field of a module that has a default, as room.module.function.argument or room.module.class.field."""

    def within(node: ast.AST, place: str) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            named = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            inside = f"{place}.{child.name}" if named else place
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from (f"{inside}.{name}" for name in arguments_with_default(child.args))
            if isinstance(node, ast.ClassDef) and isinstance(child, ast.AnnAssign) and child.value is not None:
                yield f"{place}.{child.target.id}"
            yield from within(child, inside)

    dotted = path.relative_to(folder).with_suffix("").parts
    yield from within(ast.parse(path.read_text()), ".".join(dotted))


def arguments_with_default(arguments: ast.arguments) -> list[str]:
    positional = [*arguments.posonlyargs, *arguments.args]
    found = positional[len(positional) - len(arguments.defaults) :]
    found += [name for name, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value is not None]
    return [argument.arg for argument in found]


def repeated(paths: list[Path]) -> list[str]:
    """The defaults of these modules whose name config.yaml has too."""
    names = {second_paper: configured(second_paper) for second_paper in (False, True)}
    found = []
    for path in paths:
        known = names[any(part.startswith(SECOND_PAPER) for part in path.relative_to(PACKAGE).parts)]
        found += [default for default in defaults(path) if default.rsplit(".", 1)[1] in known]
    return found


def allowed(default: str) -> bool:
    return default in OTHER_THINGS or any(default.startswith(f"{place}.") for place in ONLY_PLACE)


def test_no_default_of_the_package_repeats_the_configuration():
    paths = sorted(PACKAGE.rglob("*.py"))
    assert len(paths) > 50
    wrong = [default for default in repeated(paths) if not allowed(default)]
    assert not wrong, f"config.yaml gives these a value, so the arguments are required: {', '.join(wrong)}"


def test_every_exception_is_needed():
    found = repeated(sorted(PACKAGE.rglob("*.py")))
    unused = [name for name in OTHER_THINGS if name not in found]
    unused += [place for place in ONLY_PLACE if not any(default.startswith(f"{place}.") for default in found)]
    assert not unused, f"no default of this name is there any more: {', '.join(unused)}"


def test_defaults_are_found_wherever_they_stand(tmp_path):
    (tmp_path / "module.py").write_text(
        "def plain(a, b=1, *, c, d=None):\n    def inner(e=2): ...\n"
        "class Settings:\n    f: int\n    g: int = 3\n    def method(self, h=4): ...\n"
        "async def later(i=5): ...\n"
    )
    names = ["plain.b", "plain.d", "plain.inner.e", "Settings.g", "Settings.method.h", "later.i"]
    assert list(defaults(tmp_path / "module.py", tmp_path)) == [f"module.{name}" for name in names]


def test_names_of_nested_keys_and_other_names_count_but_not_those_of_other_papers():
    names = configured(second_paper=False)
    assert {"seed", "threads", "bootstrap", "unit", "jitter", "rule", "draws"} <= names
    assert not {"segmentation", "epsilon", "url"} & names
    assert {"seed", "epsilon", "permutations", "n_genes"} <= configured(second_paper=True)
