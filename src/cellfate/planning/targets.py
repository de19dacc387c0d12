"""The files that each target of the workflow asks for, from the configuration and the recordings sheet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.explanation.attributions.names import PUBLISHED, RISKS, served
from cellfate.model.saved.members import has_network
from cellfate.planning.agreement import check_sheet_agreement, check_states
from cellfate.planning.config import transition_settings
from cellfate.planning.config_files import Source
from cellfate.recordings.doubts import sheet_doubts
from cellfate.transition.matrix.compared import read_given

FIGURES = {  # of the main target, the design and then the paper's order, with their titles in the report
    "design": "Design: what stands where and what it tells",
    "figure_2": "Figure 2: confusion matrix",
    "figure_3": "Figure 3: truncation and last k frames",
    "lead_time": "Lead time: known from when on",
    "figure_4": "Figure 4: attention and occlusion before the event",
    "figure_5": "Figure 5: features of the frames that count",
    "traces": "Features before the end, by outcome",
    "figure_6": "Figure 6: trajectories with their attention",
    "ablations": "What the score is made of: parts of the input hidden",
    "explained_cells": "What gave single cells away",
    "attributions": "How faithful explanations are: frames hidden in their order",
    "training_curves": "Training curves",
    "calibration": "Calibration",
    "sets": "Cannot tell yet: sets of outcomes and triage",
}
EXPLANATION_FIGURES = ("explained_cells", "attributions")  # where a method of explanation.methods serves a model of the run
BY_NETWORK = ("parquet", "csv", "shift.csv", "png")  # files of predictions, of the published network
BY_RISKS = ("fates.parquet", "geff", "napari.csv")
RISK_FIGURES = {  # where risks.enabled
    "risks": "Fate over time: the risks of single cells and what happened",
    "risk_scores": "Fate over time: skill, calibration, alarms",
}
TITLES = {**FIGURES, **RISK_FIGURES, "states": "States of cells and where they end"}
NO_SHEET = """
The recordings sheet {sheet} is not there yet. This run downloads the annotations and writes it;
run snakemake once more after that, and all jobs are planned from it.
"""
NO_TRACKS = """
No recording of {sheet} has tracks, so no cell has a fate to train with. This run segments and tracks the
recordings and cuts their crops (of all tracks, unless crops.tracks is fated); snakemake predict predicts their cells.
"""


@dataclass(frozen=True)
class Targets:
    """``sheet`` is None as long as it is not written; then every target that needs recordings is the sheet itself.

    ``config_files`` are those that were merged, for the messages of errors; ``caveat`` is what readers of the results must know of
    where the data come from.
    """

    config: Mapping
    sheet: pd.DataFrame | None
    config_files: Sequence[Source]
    caveat: str | None = None

    @cached_property
    def recordings(self) -> list[str]:
        return [] if self.sheet is None else list(self.sheet["recording"])

    @cached_property
    def ready_made(self) -> list[str]:
        """Recordings of which there are the movies of single cells alone."""
        return self.recordings if self.config["source"]["kind"] == "crops" else []

    @cached_property
    def untracked(self) -> list[str]:
        """Recordings whose row of the sheet has no tracks: they are segmented and tracked here."""
        return [] if self.sheet is None or self.ready_made else list(self.sheet.loc[self.sheet["tracks"].isna(), "recording"])

    @property
    def tracked(self) -> list[str]:
        """Recordings with the tracks of another program."""
        return [] if self.ready_made else [name for name in self.recordings if name not in self.untracked]

    @property
    def _simulated(self) -> bool:
        return self.config["source"]["kind"] == "simulate"

    @property
    def _of_data(self) -> str:
        return f"results/{self.config['dataset']}"

    @property
    def of_analysis(self) -> str:
        """The folder of everything from the split on."""
        return f"{self._of_data}/{self.config['protocol']}"

    def crops(self, recording: str) -> str:
        """The crop file of a recording."""
        return f"{self._of_data}/crops{self.kind_of_crops(recording)}/{recording}.h5"

    def rings(self, recording: str) -> str:
        """The table of rings of a recording."""
        return f"{self._of_data}/rings{self.kind_of_crops(recording)}/{recording}.parquet"

    def kind_of_crops(self, recording: str) -> str:
        """What the names of the folders of a recording's crops and rings end in: nothing for all tracks, ``-fated`` for those with a fate.

        Where fated ones are asked for and those of all are there already, these serve: protocols share them, and none cuts them again.
        """
        if self.config["crops"]["tracks"] == "all":
            return ""
        of_all, fated = (Path(self._of_data, folder, f"{recording}.h5") for folder in ("crops", "crops-fated"))
        return "" if of_all.exists() and not fated.exists() else "-fated"

    def everything(self) -> list[str]:
        """The main target. Raises InputError for what the sheet lacks for an analysis, where the run began as a prediction."""
        if self.sheet is None:
            return [self.config["recordings"]]
        if self.config["prediction"]["model"] is not None:  # not checked when the configuration was: predictions do without
            check_sheet_agreement(self.config, self.sheet, self.config_files)
        if not self.tracked and not self.ready_made:
            return [*self.tracking(), *self.drift(), *map(self.crops, self.untracked)]
        published = [f"{self.of_analysis}/tables/published.csv"] * (self.config["dataset"] == "published")
        of_model = [f"{self.of_analysis}/summary.html", *self.explorer(), f"{self.of_analysis}/model"]
        return [*self.figures(), *of_model, *self.fates(), *published, *self.tracking(), *self.drift()]

    def fates(self) -> list[str]:
        """The risks over time of the held-out tracks of each fold, where they are asked for."""
        folds = range(self.config["split"]["folds"] * self.config["risks"]["enabled"])
        return [f"{self.of_analysis}/fold-{fold}/risks/fates.parquet" for fold in folds]

    def explorer(self) -> list[str]:
        """The page of single cells, where it is asked for."""
        return [f"{self.of_analysis}/explorer.html"] * self.config["explorer"]["enabled"]

    def note(self) -> str | None:
        """What to know before the main target runs, where it is less than a user may expect."""
        doubts = [] if self.sheet is None else sheet_doubts(self.sheet, self.config["recordings"])
        said = "".join(f"\nWARNING: {line}\n" for line in [*([self.caveat] if self.caveat else []), *doubts])
        if self.caveat or (self.sheet is not None and (self.tracked or self.ready_made)):
            return said or None
        return said + (NO_SHEET if self.sheet is None else NO_TRACKS).format(sheet=self.config["recordings"])

    def figures(self) -> list[str]:
        """Each figure of the main target as PDF and PNG, and what explanations score against the truth of simulated recordings."""
        names = [*self.shown, *["truth"] * self._simulated]
        if self.sheet is None:
            return []
        scored = self._simulated and bool(self.methods)
        return self._drawn(f"{self.of_analysis}/figures", names) + [f"{self.of_analysis}/truth/attributions.csv"] * scored

    @property
    def methods(self) -> list[str]:
        """The methods of explanation.methods that serve a model of this run: those of the risks only where there are any."""
        return served(self.config["explanation"]["methods"] or [], [PUBLISHED, *[RISKS] * self.config["risks"]["enabled"]])

    @property
    def shown(self) -> list[str]:
        """The figures of the summary page, in its order."""
        drawn = [name for name in FIGURES if self.methods or name not in EXPLANATION_FIGURES]
        return [*drawn, *(RISK_FIGURES if self.config["risks"]["enabled"] else ())]

    def design(self) -> list[str]:
        """What is known before crops and training: the design's tables and figure. Raises InputError where no recording has tracks."""
        if self.sheet is None:
            return [self.config["recordings"]]
        if not self.tracked:
            raise InputError(f"{self.config['recordings']}: no recording has tracks, so no cell has a fate whose design can be checked")
        check_sheet_agreement(self.config, self.sheet, self.config_files)
        tables = [f"{self.of_analysis}/tables/{name}.csv" for name in ("design", "design_scores", "design_lines")]
        return [*tables, *self._drawn(f"{self.of_analysis}/figures", ["design"])]

    def label(self) -> list[str]:
        """The page to label cells on. Raises InputError where there are no tracks to label, and no predictions for an order by them."""
        if self.sheet is None:
            return [self.config["recordings"]]
        if not self.tracked:
            made = (
                "ready-made crops have their outcomes in the sheet" if self.ready_made else "tracks that are made here cannot be labelled"
            )
            raise InputError(f"{self.config['recordings']}: no recording has given tracks, so there is nothing to label: {made}")
        if self.config["explorer"]["label"]["order"] == "unsure" and not self.predicted():
            raise InputError(
                f"explorer.label.order is unsure, but nothing is predicted yet: there is no {self.of_analysis}/fold-*/risks/fates.parquet "
                f"and no {self._of_data}/predictions/*.fates.parquet; run snakemake or snakemake predict first, or take random or recording"
            )
        return [f"{self._of_data}/label.html"]

    def predicted(self) -> list[str]:
        """The risks over time that are there, where the order on the label page rests on them."""
        if self.config["explorer"]["label"]["order"] != "unsure":
            return []
        found = [Path(path) for path in self.fates()] + [Path(f"{self._of_data}/predictions/{name}.fates.parquet") for name in self.tracked]
        return [str(path) for path in found if path.is_file()]

    def tracking(self) -> list[str]:
        """How plausible the tracks made here and their links are, as tables and a picture for each recording."""
        kinds = ["qc.csv", "png", *["truth.csv"] * self._simulated]
        found = [f"{self._of_data}/tracking/{name}.{kind}" for name in self.untracked for kind in kinds]
        asked = self.config["tracks"]["doubt"] is not None
        return found + [f"{self._of_data}/tracks/{name}.confidence.parquet" for name in self.untracked if asked]

    def drift(self) -> list[str]:
        """The pictures of the drift, where it is registered."""
        registered = self.config["registration"]["method"] != "none"
        return [f"{self._of_data}/drift/{name}.png" for name in self.recordings if registered]

    @property
    def network_predicts(self) -> bool:
        """Whether the model of predictions holds the published network: own ones do."""
        model = self.config["prediction"]["model"]
        return model is None or model == f"{self.of_analysis}/model" or has_network(model)

    def predictions(self) -> list[str]:
        """The predictions of each recording, as tables, for viewers, and as a picture. Raises InputError for ready-made crops."""
        if self.ready_made:
            raise InputError("snakemake predict reads whole recordings with tracks; source.kind is crops, which has none")
        if self.sheet is None:
            return [self.config["recordings"]]
        kinds = (*BY_NETWORK, *BY_RISKS) if self.network_predicts else BY_RISKS
        page = [f"{self._of_data}/predictions/explorer.html"] * self.config["explorer"]["enabled"]
        return [f"{self._of_data}/predictions/{name}.{kind}" for name in self.recordings for kind in kinds] + page

    def states(self) -> list[str]:
        """The figure of the states of cells. Raises InputError for what the sheet cannot give."""
        if self.sheet is None:
            return [self.config["recordings"]]
        check_states(self.config, self.sheet, self.config_files)
        return self._drawn(f"{self.of_analysis}/figures", ["states"])

    @property
    def transition_figures(self) -> list[str]:
        """The figures of phenotype transitions, in the order of their page; static labels have fewer."""
        settings = transition_settings(self.config)
        knockouts, compared = settings["targets"]["kind"] != "static", settings["compare"]["matrix"] is not None
        first = ["transition_matrix", *["compared"] * compared, "cells", *["fates"] * knockouts]
        return [*first, "regulators", *["knockouts"] * knockouts, "ablation"]

    def transition(self) -> list[str]:
        """Page, figures and tables of phenotype transitions; static labels give a classification, its confusion and a screening of genes.

        Raises InputError where there is no file of cells, and for a matrix to compare with that is none.
        """
        settings = transition_settings(self.config)
        simulated, tracked = settings["source"] == "simulate", settings["source"] == "features"
        tables, path = settings["tracks"]["files"], settings["expression"]["path"]
        if tracked and tables is None and self.sheet is None:
            return [self.config["recordings"]]
        if tracked and (absent := [table for table in tables or () if not Path(table).is_file()]):
            raise InputError(f"transition.tracks.files names {absent[0]!r}, which does not exist")
        if settings["source"] == "file" and path is None:
            raise InputError("transition.expression.path is not set; it is the h5ad file of your cells (docs/transition.md)")
        self._check_files_of_transition(settings)
        if settings["compare"]["matrix"] is not None:
            read_given(settings["compare"])
        knockouts = settings["targets"]["kind"] != "static"
        folder = f"{self._of_data}/transition"
        found = [*self._drawn(f"{folder}/figures", self.transition_figures), f"{folder}/cells.h5ad", f"{folder}/summary.html"]
        found += [f"{folder}/tables/condition_tests.csv"] * (knockouts and settings["condition"]["column"] is not None)
        return [*found, *[f"{folder}/truth/scores.csv"] * (simulated and knockouts)]

    @staticmethod
    def _check_files_of_transition(settings: Mapping) -> None:
        """Raise InputError where a file that the section ``transition`` names is not there."""
        own = {"expression.path": settings["expression"]["path"]} if settings["source"] == "file" else {}
        growth = {"targets.growth.gene_sets": settings["targets"]["growth"]["gene_sets"]}
        named = own | {key: settings[key] for key in ("embedding", "prior", "gene_sets")} | growth
        for key, path in named.items():
            if path is not None and not Path(path).is_file():
                raise InputError(f"transition.{key} is {path!r}, which does not exist")

    def last_words(self, asked: Sequence[str]) -> str:
        """Where the results of a finished run are: of the targets that were ``asked`` for by name, else the summary page of the whole."""
        figures = f"{self.config['protocol']}/figures"
        names = {"predict": "predictions", "transition": "transition", "states": figures, "design": figures}
        folders = list(dict.fromkeys(f"{self._of_data}/{names[target]}" for target in sorted(asked) if target in names))
        if there := [f"{folder}/" for folder in folders if Path(folder).is_dir()]:
            return f"\nThe results are in {' and '.join(there)}"
        if "label" in asked and (page := Path(self._of_data, "label.html")).exists():
            return f"\nOpen {page} in a browser; it can be sent to others who label (docs/explorer.md)."
        page = Path(self.of_analysis, "summary.html")
        return f"\nOpen {page} in a browser; figures and tables are beside it." if page.exists() else ""

    @staticmethod
    def _drawn(folder: str, names: Sequence[str]) -> list[str]:
        return [f"{folder}/{name}.{kind}" for name in names for kind in ("pdf", "png")]
