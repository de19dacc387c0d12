"""Cluster the frames of training cells by their features, and give every frame of every cell its state."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.segmentation.tables import FEATURES
from cellfate.states.clusters import assign_states
from cellfate.states.tables import STATE_PROFILES, STATES
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])

states, profiles = assign_states(
    read_tables(snakemake.input.features, FEATURES),
    read_table(snakemake.input.trajectories, TRAJECTORIES),
    read_table(snakemake.input.split, SPLIT),
    snakemake.params.features,
    n_states=snakemake.params.n_states,
    seed=snakemake.params.seed,
)
write_table(states, snakemake.output.states, STATES)
write_table(profiles, snakemake.output.profiles, STATE_PROFILES)
