# Needs: crops, and for held-out cells the split; frames of recordings without tracks. Leaves: masks and features of each recording.

# several recordings share one cluster job; on a GPU each has a job of its own, because those of a group run side by side
CELLS_GROUP = "cells" if config["segmentation"]["device"] == "cpu" else "cells_gpu"


rule fetch_segmentation_weights:
    """Fetch the weights of a published Cellpose model by name; runs here, never inside a cluster job."""
    output:
        weights="resources/cellpose/{model}",
    log:
        "logs/fetch_segmentation_weights/{model}.log",
    wildcard_constraints:
        model="[A-Za-z0-9_]+",
    priority: 100  # a missing network shows before work is spent
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    message:
        "Fetching the Cellpose model {wildcards.model}"
    script:
        "../../scripts/segmentation/fetch_segmentation_weights.py"


rule segment_frames:
    """Segment one channel of every frame of a recording with Cellpose."""
    input:
        images=images_of,
        weights=WEIGHTS,
        code=code_of("segmentation/segment_frames.py"),
        reader=frames_reader,
    output:
        masks="results/{dataset}/frame_masks/{recording}.h5",
    log:
        "logs/{dataset}/segment_frames/{recording}.log",
    benchmark:
        "results/{dataset}/benchmarks/segment_frames/{recording}.tsv"
    wildcard_constraints:
        recording=one_of(UNTRACKED),
    conda:
        "../../envs/segmentation.yaml"
    resources:
        gpu=1 if config["segmentation"]["device"] == "cuda" else 0,
        mem_mb=growing(4000),
        runtime=growing(480),
    params:
        **{key: config["segmentation"][key] for key in ("flow_threshold", "cellprob_threshold", "device", "batch_size")},
        frames=frames_of,
        images=images_known,
        channel=tracked_channel(),
        diameter=config["tracking"]["diameter"] or config["segmentation"]["diameter"],
        min_area=config["tracking"]["min_area"],
    message:
        "Segmenting the frames of {wildcards.recording}"
    script:
        "../../scripts/segmentation/segment_frames.py"


rule segment_cells:
    """Segment the crops of one recording with Cellpose."""
    input:
        unpack(held_out_tables),
        **whole_frames(),
        crops=crops_of,
        weights=WEIGHTS,
        code=code_of("segmentation/segment_cells.py"),
    output:
        masks="results/{dataset}/masks/{segmentation}/{recording}.h5",
    log:
        "logs/{dataset}/segment_cells/{segmentation}/{recording}.log",
    benchmark:
        "results/{dataset}/benchmarks/segment_cells/{segmentation}/{recording}.tsv"
    group:
        CELLS_GROUP
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
        images=images_known if config["segmentation"]["whole_frames_from"] else None,
        tracks=tracks_segmented,
        statistics_min_frames=only_held_out(config["statistics"]["min_frames"], 0),
        high_percentile=only_held_out(config["statistics"]["high_percentile"], None),
        treatment=only_held_out(config["evaluation"]["treatment"], None),
    message:
        "Segmenting the cells of {wildcards.recording}"
    script:
        "../../scripts/segmentation/segment_cells.py"


rule measure_features:
    """Measure shape, intensity and neighbours of the cell in each segmented crop."""
    input:
        masks="results/{dataset}/masks/{segmentation}/{recording}.h5",
        crops=crops_of,
        code=code_of("segmentation/measure_features.py"),
    output:
        features="results/{dataset}/features/{segmentation}/{recording}.parquet",
    log:
        "logs/{dataset}/measure_features/{segmentation}/{recording}.log",
    group:
        CELLS_GROUP
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
        "../../scripts/segmentation/measure_features.py"
