"""Predict the risks of validation and held-out tracks of one fold at each of their frames."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.crops.tables import RINGS
from cellfate.model.risks.ensemble import load_ensemble, predict_fates
from cellfate.model.risks.inputs import FrameInputs, InputSettings, read_frame_embedding
from cellfate.model.risks.tracks import rows_of_fold
from cellfate.model.tables import FATES
from cellfate.segmentation.tables import FEATURES
from cellfate.trajectories.following import with_all_parts
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])

fold = int(snakemake.wildcards.fold)
features, embedding = snakemake.input.get("features"), snakemake.input.get("embedding")
trajectories = read_table(snakemake.input.trajectories, TRAJECTORIES)
split = read_table(snakemake.input.split, SPLIT)
inputs = FrameInputs(
    read_tables(snakemake.input.rings, RINGS),
    read_tables(features, FEATURES) if features else None,
    read_frame_embedding(embedding) if embedding else None,
    snakemake.params.starts,
    InputSettings(**snakemake.params.inputs),
)
split = with_all_parts(split, trajectories, unit=snakemake.params.unit, seed=snakemake.params.seed)
rows = rows_of_fold(trajectories, split, fold, inputs, ("validation", "test"))
horizons, label = snakemake.params.horizons_hours, f"predict_fates fold {fold}"
fates = predict_fates([load_ensemble(snakemake.input.model)], rows, inputs, horizons, label)
fates = fates.merge(rows[["trajectory", "split"]], on="trajectory").assign(fold=fold)
write_table(fates, snakemake.output.fates, FATES)
