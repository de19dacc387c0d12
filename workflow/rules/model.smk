# Needs: crops, rings and the models of each fold. Leaves: an embedding of each frame; predictions and attention, computed from these
# alone; and risks over time, computed from rings.

EMBEDDED_SPLITS = sorted({"validation", "test", *config["attention"]["splits"]}) + ["unlabelled"] * (config["embedding"]["tracks"] == "all")


rule embed_frames:
    """Run the backbone once over each frame; everything after this reads the embeddings."""
    input:
        crops=ALL_CROPS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        model="results/{dataset}/{protocol}/fold-{fold}/model",
        code=code_of("model/embed_frames.py"),
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
        embedding={key: value for key, value in config["embedding"].items() if key != "tracks"},
    message:
        "Embedding the frames of fold {wildcards.fold}"
    script:
        "../../scripts/model/embed_frames.py"


rule predict_prefixes:
    """Predict trajectories from their first n frames alone, for many n, and fit the fold's calibration on the validation part."""
    input:
        embeddings="results/{dataset}/{protocol}/fold-{fold}/embeddings.h5",
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        model="results/{dataset}/{protocol}/fold-{fold}/model",
        code=code_of("model/predict_prefixes.py"),
    output:
        prefixes="results/{dataset}/{protocol}/fold-{fold}/prefixes.parquet",
        calibration="results/{dataset}/{protocol}/fold-{fold}/calibration.json",
    log:
        "logs/{dataset}/{protocol}/fold-{fold}/predict_prefixes.log",
    conda:
        "../../envs/learning.yaml"
    resources:
        gpu=0 if config["training"]["accelerator"] == "cpu" else 1,
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        accelerator=config["training"]["accelerator"],
        truncation=config["evaluation"]["truncation"],
        treatment=config["evaluation"]["treatment"],
        min_frames=MIN_FRAMES,
        every=config["prediction"]["every"],
        calibration=config["evaluation"]["calibration"],
    message:
        "Predicting the trajectories of fold {wildcards.fold} while they go on"
    script:
        "../../scripts/model/predict_prefixes.py"


rule predict_trajectories:
    """Predict full, truncated and last-k trajectories, with the calibration of the fold."""
    input:
        prefixes="results/{dataset}/{protocol}/fold-{fold}/prefixes.parquet",
        calibration="results/{dataset}/{protocol}/fold-{fold}/calibration.json",
        embeddings="results/{dataset}/{protocol}/fold-{fold}/embeddings.h5",
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        model="results/{dataset}/{protocol}/fold-{fold}/model",
        code=code_of("model/predict_trajectories.py"),
    output:
        predictions="results/{dataset}/{protocol}/fold-{fold}/predictions.parquet",
    log:
        "logs/{dataset}/{protocol}/fold-{fold}/predict_trajectories.log",
    conda:
        "../../envs/learning.yaml"
    resources:
        gpu=0 if config["training"]["accelerator"] == "cpu" else 1,
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        accelerator=config["training"]["accelerator"],
        truncation=config["evaluation"]["truncation"],
        last_k=config["evaluation"]["last_k"],
        treatment=config["evaluation"]["treatment"],
        min_frames=MIN_FRAMES,
    message:
        "Predicting the trajectories of fold {wildcards.fold}"
    script:
        "../../scripts/model/predict_trajectories.py"


rule compute_attention:
    """The attention of the last layer's [cls] token to each frame, and what the prediction loses without the frames around it."""
    input:
        embeddings="results/{dataset}/{protocol}/fold-{fold}/embeddings.h5",
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        model="results/{dataset}/{protocol}/fold-{fold}/model",
        code=code_of("model/compute_attention.py"),
    output:
        attention="results/{dataset}/{protocol}/fold-{fold}/attention.parquet",
    log:
        "logs/{dataset}/{protocol}/fold-{fold}/compute_attention.log",
    conda:
        "../../envs/learning.yaml"
    resources:
        gpu=0 if config["training"]["accelerator"] == "cpu" else 1,
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        accelerator=config["training"]["accelerator"],
        splits=config["attention"]["splits"],
        treatment=config["evaluation"]["treatment"],
        occlusion_window=config["attention"]["occlusion_window"],
    message:
        "Attention and occlusion of fold {wildcards.fold}"
    script:
        "../../scripts/model/compute_attention.py"


rule predict_fates:
    """Predict the risks of validation and held-out tracks, with a fate or without, at each of their frames."""
    input:
        **inputs_of_risks(),
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        model="results/{dataset}/{protocol}/fold-{fold}/risks/model",
        code=code_of("model/predict_fates.py"),
    output:
        fates="results/{dataset}/{protocol}/fold-{fold}/risks/fates.parquet",
    log:
        "logs/{dataset}/{protocol}/fold-{fold}/predict_fates.log",
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        **params_of_risks(),
        horizons_hours=config["risks"]["horizons_hours"],
    message:
        "Predicting the fates of fold {wildcards.fold} over time"
    script:
        "../../scripts/model/predict_fates.py"
