# Needs: crops, rings, trajectories and the split. Leaves, per fold: scaling, the models' folders; and what the recordings look like.


rule compute_scaling:
    """Mean and standard deviation of each channel over the training crops of a fold."""
    input:
        crops=ALL_CROPS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        code=code_of("model/compute_scaling.py"),
    output:
        scaling="results/{dataset}/{protocol}/fold-{fold}/scaling.json",
    log:
        "logs/{dataset}/{protocol}/fold-{fold}/compute_scaling.log",
    priority: 50  # training waits for it
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(120),
    params:
        scaling=config["scaling"],
        scaling_frames=config["scaling_frames"],
    message:
        "Scaling of fold {wildcards.fold}"
    script:
        "../../scripts/model/compute_scaling.py"


rule describe_training:
    """What the recordings look like that each fold was trained with, and the held-out ones: intensities, sizes, intervals, lengths."""
    input:
        crops=ALL_CROPS,
        sheet=RECORDINGS_SHEET,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        code=code_of("model/describe_training.py"),
    output:
        training="results/{dataset}/{protocol}/training_data.json",
    log:
        "logs/{dataset}/{protocol}/describe_training.log",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    message:
        "What the training recordings look like"
    script:
        "../../scripts/model/describe_training.py"


rule train_model:
    """Train the network of one fold, or import the published checkpoint; a killed training goes on at its last epoch."""
    input:
        **start_of_training(),
        crops=ALL_CROPS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        code=code_of("training/train_model.py"),
    output:
        model=directory("results/{dataset}/{protocol}/fold-{fold}/model"),
    log:
        "logs/{dataset}/{protocol}/fold-{fold}/train_model.log",
    benchmark:
        "results/{dataset}/{protocol}/benchmarks/fold-{fold}/train_model.tsv"
    priority: 50  # the longest job of a run: others have time beside it
    conda:
        "../../envs/learning.yaml"
    threads: 1 if config["training"]["accelerator"] == "cpu" else 8 * config["training"]["devices"]  # on a GPU the others read crops
    resources:
        gpu=0 if config["training"]["accelerator"] == "cpu" else config["training"]["devices"],
        mem_mb=growing(32000),
        runtime=growing(1440),
    params:
        seed=config["seed"],
        outcomes=config["outcomes"],
        model=config["model"],
        training={key: value for key, value in config["training"].items() if key != "checkpoint"},
        augmentation=config["augmentation"],
        resume="results/{dataset}/{protocol}/fold-{fold}/.resume",
    message:
        "Training the network of fold {wildcards.fold}"
    script:
        "../../scripts/training/train_model.py"


rule train_risks:
    """Train the networks of risks of one fold on all tracks; a killed training goes on at its last epoch."""
    input:
        **inputs_of_risks(),
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        code=code_of("training/train_risks.py"),
    output:
        model=directory("results/{dataset}/{protocol}/fold-{fold}/risks/model"),
    log:
        "logs/{dataset}/{protocol}/fold-{fold}/train_risks.log",
    benchmark:
        "results/{dataset}/{protocol}/benchmarks/fold-{fold}/train_risks.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        **params_of_risks(),
        outcomes=config["outcomes"],
        bins_hours=config["risks"]["bins_hours"],
        network=config["risks"]["network"],
        training=config["risks"]["training"],
        min_frames=MIN_FRAMES,
        resume="results/{dataset}/{protocol}/fold-{fold}/.resume-risks",
    message:
        "Training the networks of risks of fold {wildcards.fold}"
    script:
        "../../scripts/training/train_risks.py"
