# Needs: crops, and for held-out cells the split. Leaves: masks and features of each recording.

# several recordings share one cluster job; on a GPU each has a job of its own, because those of a group run side by side
CELLS = "cells" if config["segmentation"]["device"] == "cpu" else "cells_gpu"


rule train_segmentation_network:
    """Train the small Cellpose network on simulated fields, with seeds of its own."""
    input:
        code=code_of("train_segmentation_network.py"),
    output:
        weights="resources/{dataset}/cellpose/simulated",
    log:
        "logs/{dataset}/train_segmentation_network.log",
    priority: 50
    conda:
        "../../envs/segmentation.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        seed=config["seed"],
        settings=config["segmentation"].get("training", {}),
    message:
        "Training the small Cellpose network"
    script:
        "../../scripts/train_segmentation_network.py"


localrules:
    fetch_segmentation_weights,


rule fetch_segmentation_weights:
    """Fetch the weights of a published Cellpose model by name; runs here, never inside a cluster job."""
    output:
        weights="resources/cellpose/{model}",
    log:
        "logs/fetch_segmentation_weights/{model}.log",
    wildcard_constraints:
        model="[A-Za-z0-9_]+",
    priority: 100  # a missing network shows before work is spent
    conda:
        "../../envs/analysis.yaml"
    message:
        "Fetching the Cellpose model {wildcards.model}"
    script:
        "../../scripts/fetch_segmentation_weights.py"


rule segment_cells:
    """Segment the crops of one recording with Cellpose."""
    input:
        unpack(held_out_tables),
        **whole_frames(),
        crops="results/{dataset}/crops/{recording}.h5",
        weights=WEIGHTS,
        code=code_of("segment_cells.py"),
    output:
        masks="results/{dataset}/masks/{segmentation}/{recording}.h5",
    log:
        "logs/{dataset}/segment_cells/{segmentation}/{recording}.log",
    benchmark:
        "results/{dataset}/benchmarks/segment_cells/{segmentation}/{recording}.tsv"
    group:
        CELLS
    conda:
        "../../envs/segmentation.yaml"
    resources:
        gpu=1 if config["segmentation"]["device"] == "cuda" else 0,
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        **{
            key: config["segmentation"][key]
            for key in (
                "ladder",
                "channel",
                "diameter",
                "flow_threshold",
                "cellprob_threshold",
                "device",
                "batch_size",
                "whole_frames_from",
            )
        },
        frames=frames_of if config["segmentation"]["whole_frames_from"] else None,
        tracks=tracks_segmented,
        statistics_min_frames=only_held_out(config["statistics"]["min_frames"], 0),
        treatment=only_held_out(config["evaluation"]["treatment"], None),
    message:
        "Segmenting the cells of {wildcards.recording}"
    script:
        "../../scripts/segment_cells.py"


rule measure_features:
    """Measure shape, intensity and neighbours of the cell in each segmented crop."""
    input:
        masks="results/{dataset}/masks/{segmentation}/{recording}.h5",
        crops="results/{dataset}/crops/{recording}.h5",
        code=code_of("measure_features.py"),
    output:
        features="results/{dataset}/features/{segmentation}/{recording}.parquet",
    log:
        "logs/{dataset}/measure_features/{segmentation}/{recording}.log",
    group:
        CELLS
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        **config["features"],
    message:
        "Measuring the cells of {wildcards.recording}"
    script:
        "../../scripts/measure_features.py"
