# Needs: features of all tracked cells, trajectories and the split. Leaves: states of cells as a Markov chain; snakemake states.
# Not part of the default target: the states are learned on training cells, whose masks nothing else needs.

STATES = config["states"]
STATE_TABLES = ("state_transitions", "state_absorption", "state_entropy", "state_checks", "state_check_entries")


rule assign_states:
    """Cluster the frames of training cells by their features, and give every frame of every cell its state."""
    input:
        features=expand(f"results/{{{{dataset}}}}/features/{OF_ALL_TRACKS}/{{recording}}.parquet", recording=RECORDINGS),
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        code=code_of("states/assign_states.py"),
    output:
        states="results/{dataset}/{protocol}/states.parquet",
        profiles="results/{dataset}/{protocol}/tables/state_profiles.csv",
    log:
        "logs/{dataset}/{protocol}/assign_states.log",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        features=STATES["features"],
        n_states=STATES["n_states"],
        seed=config["seed"],
    message:
        "States of the cells"
    script:
        "../../scripts/states/assign_states.py"


rule tabulate_states:
    """Transitions, absorption, entropy and the Chapman-Kolmogorov check, before and after the drug, with intervals over recordings."""
    input:
        sheet=RECORDINGS_SHEET,
        states="results/{dataset}/{protocol}/states.parquet",
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        code=code_of("states/tabulate_states.py"),
    output:
        **{name: f"results/{{dataset}}/{{protocol}}/tables/{name}.csv" for name in STATE_TABLES},
    log:
        "logs/{dataset}/{protocol}/tabulate_states.log",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        **{key: STATES[key] for key in ("n_states", "lag", "steps", "group_by", "smoothing", "bootstrap")},
        outcomes=config["outcomes"],
        seed=config["seed"],
    message:
        "Transitions between the states"
    script:
        "../../scripts/states/tabulate_states.py"


rule plot_states:
    """States, transitions, where cells end, and whether they are a Markov chain."""
    input:
        **{name: f"results/{{dataset}}/{{protocol}}/tables/{name}.csv" for name in STATE_TABLES},
        profiles="results/{dataset}/{protocol}/tables/state_profiles.csv",
        code=code_of("figures/plot_states.py"),
    output:
        **figure("states"),
    log:
        "logs/{dataset}/{protocol}/plot_states.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        frame_interval_min=COMMON_INTERVAL,
    message:
        "Figure of the states"
    script:
        "../../scripts/figures/plot_states.py"
