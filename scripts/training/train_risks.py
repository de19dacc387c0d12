"""Train the networks of risks of one fold."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables
from cellfate.crops.tables import RINGS
from cellfate.model.risks.inputs import FrameInputs, InputSettings, read_frame_embedding
from cellfate.segmentation.tables import FEATURES
from cellfate.training.risks import train_risks
from cellfate.trajectories.following import with_all_parts
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])

features, embedding = snakemake.input.get("features"), snakemake.input.get("embedding")
trajectories = read_table(snakemake.input.trajectories, TRAJECTORIES)
split = read_table(snakemake.input.split, SPLIT)
train_risks(
    trajectories,
    with_all_parts(split, trajectories, unit=snakemake.params.unit, seed=snakemake.params.seed),
    FrameInputs(
        read_tables(snakemake.input.rings, RINGS),
        read_tables(features, FEATURES) if features else None,
        read_frame_embedding(embedding) if embedding else None,
        snakemake.params.starts,
        InputSettings(**snakemake.params.inputs),
    ),
    snakemake.output.model,
    fold=int(snakemake.wildcards.fold),
    seed=snakemake.params.seed,
    outcomes=snakemake.params.outcomes,
    bins_hours=snakemake.params.bins_hours,
    network=snakemake.params.network,
    training=snakemake.params.training,
    min_frames=snakemake.params.min_frames,
    resume=snakemake.params.resume,
    files=[*snakemake.input.rings, *(features or []), *([embedding] if embedding else [])],
    code=snakemake.input.code,
    threads=snakemake.threads,
)
