"""Cluster the frames of training cells by their features, and give every frame of every cell its state."""

from cellfate.logs import log_to
from cellfate.states import assign_states
from cellfate.tables import read_table, read_tables, write_table

log_to(snakemake.log[0])

states, profiles = assign_states(
    read_tables(snakemake.input.features, "features"),
    read_table(snakemake.input.trajectories, "trajectories"),
    read_table(snakemake.input.split, "split"),
    snakemake.params.features,
    n_states=snakemake.params.n_states,
    seed=snakemake.params.seed,
)
write_table(states, snakemake.output.states, "states")
write_table(profiles, snakemake.output.profiles, "state_profiles")
