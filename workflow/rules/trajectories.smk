# Needs: the outcomes of all recordings. Leaves: the trajectories, their labels, the part of each fold that they are in, and what
# the design alone tells of the outcome. No crops are read or waited for.


rule select_trajectories:
    """Label every track, cut it at its event and say which trajectories are long enough."""
    input:
        **confidence_of_selection(),
        sheet=RECORDINGS_SHEET,
        tracks=expand("results/{{dataset}}/tracks/{recording}.parquet", recording=RECORDINGS),
        outcomes=expand("results/{{dataset}}/tracks/{recording}.outcomes.parquet", recording=RECORDINGS),
        code=code_of("trajectories/select_trajectories.py"),
    output:
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
    log:
        "logs/{dataset}/{protocol}/select_trajectories.log",
    priority: 100  # of all that is wrong or cannot be told: before anything expensive
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(20),
    params:
        min_frames=MIN_FRAMES,
        cut_at_event=config["trajectories"]["cut_at_event"],
        min_confidence=config["tracks"]["min_confidence"],
        outcomes=config["outcomes"],
    message:
        "Selecting trajectories"
    script:
        "../../scripts/trajectories/select_trajectories.py"


rule split_trajectories:
    """Assign the trajectories to train, validation and test, whole units together."""
    input:
        **order_of_cells(),
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        code=code_of("trajectories/split_trajectories.py"),
    output:
        split="results/{dataset}/{protocol}/split.parquet",
        flow=report("results/{dataset}/{protocol}/tables/flow.csv", category="3 Tables", caption="../report/flow.rst"),
    log:
        "logs/{dataset}/{protocol}/split_trajectories.log",
    priority: 100
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        **config["split"],
        seed=config["seed"],
        min_frames=MIN_FRAMES,
    message:
        "Splitting the trajectories"
    script:
        "../../scripts/trajectories/split_trajectories.py"


rule check_design:
    """What stands where, and how well recording, group, treatment, dose or length alone tell the outcome."""
    input:
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        code=code_of("evaluation/check_design.py"),
    output:
        design=report("results/{dataset}/{protocol}/tables/design.csv", category="3 Tables", caption="../report/design.rst"),
        scores="results/{dataset}/{protocol}/tables/design_scores.csv",
        lines="results/{dataset}/{protocol}/tables/design_lines.csv",
    log:
        "logs/{dataset}/{protocol}/check_design.log",
    priority: 100
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        unit=config["split"]["unit"],
        confounded_from=config["evaluation"]["confounded_from"],
        shuffle_labels=config["training"]["shuffle_labels"],
    message:
        "Checking what the design alone tells"
    script:
        "../../scripts/evaluation/check_design.py"
