# Needs: crops, trajectories and the split. Leaves, per fold: scaling, the model's folder, and an embedding of each frame.

ALL_CROPS = expand("results/{{dataset}}/crops/{recording}.h5", recording=RECORDINGS)
EMBEDDED_SPLITS = sorted({"validation", "test", *config["attention"]["splits"]}) + ["unlabelled"] * (config["crops"]["tracks"] == "all")


rule compute_scaling:
    """Mean and standard deviation of each channel over the training crops of a fold."""
    input:
        crops=ALL_CROPS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        code=code_of("compute_scaling.py"),
    output:
        scaling="results/{dataset}/{protocol}/fold-{fold}/scaling.json",
    log:
        "logs/{dataset}/{protocol}/fold-{fold}/compute_scaling.log",
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(120),
    params:
        scaling=config["scaling"],
    message:
        "Scaling of fold {wildcards.fold}"
    script:
        "../../scripts/compute_scaling.py"


rule train_model:
    """Train the network of one fold, or import the published checkpoint; a killed training goes on at its last epoch."""
    input:
        crops=ALL_CROPS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        scaling="results/{dataset}/{protocol}/fold-{fold}/scaling.json",
        checkpoint=config["training"]["checkpoint"] or [],
        code=code_of("train_model.py"),
    output:
        model=directory("results/{dataset}/{protocol}/fold-{fold}/model"),
    log:
        "logs/{dataset}/{protocol}/fold-{fold}/train_model.log",
    benchmark:
        "results/{dataset}/{protocol}/benchmarks/fold-{fold}/train_model.tsv"
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
        "../../scripts/train_model.py"


rule embed_frames:
    """Run the backbone once over each frame; everything after this reads the embeddings."""
    input:
        crops=ALL_CROPS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        model="results/{dataset}/{protocol}/fold-{fold}/model",
        code=code_of("embed_frames.py"),
    output:
        embeddings="results/{dataset}/{protocol}/fold-{fold}/embeddings.h5",
    log:
        "logs/{dataset}/{protocol}/fold-{fold}/embed_frames.log",
    benchmark:
        "results/{dataset}/{protocol}/benchmarks/fold-{fold}/embed_frames.tsv"
    conda:
        "../../envs/learning.yaml"
    threads: 1 if config["training"]["accelerator"] == "cpu" else 8  # on a GPU the others read crops
    resources:
        gpu=0 if config["training"]["accelerator"] == "cpu" else 1,
        mem_mb=growing(16000),
        runtime=growing(240),
    params:
        accelerator=config["training"]["accelerator"],
        splits=EMBEDDED_SPLITS,
        embedding=config["embedding"],
    message:
        "Embedding the frames of fold {wildcards.fold}"
    script:
        "../../scripts/embed_frames.py"
