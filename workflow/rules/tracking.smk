# Only for recordings whose row of the sheet has no tracks. Needs: their frames, and Cellpose weights.
# Leaves: masks of whole frames, the same tables of tracks and outcomes that read_tracks leaves, and how plausible they are.


rule segment_frames:
    """Segment one channel of every frame of a recording with Cellpose."""
    input:
        images=images_of,
        weights=WEIGHTS,
        code=code_of("segment_frames.py"),
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
        channel=tracked_channel(),
        diameter=config["tracking"]["diameter"] or config["segmentation"]["diameter"],
        min_area=config["tracking"]["min_area"],
    message:
        "Segmenting the frames of {wildcards.recording}"
    script:
        "../../scripts/segment_frames.py"


rule track_cells:
    """Link the segmented cells of a recording to tracks; no fates are known."""
    input:
        **drift_table(),
        masks="results/{dataset}/frame_masks/{recording}.h5",
        code=code_of("track_cells.py"),
    output:
        tracks="results/{dataset}/tracks/{recording}.parquet",
        outcomes="results/{dataset}/tracks/{recording}.outcomes.parquet",
    log:
        "logs/{dataset}/track_cells/{recording}.log",
    wildcard_constraints:
        recording=one_of(UNTRACKED),
    group:
        "recording"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        settings=tracking_settings(),
    message:
        "Tracking the cells of {wildcards.recording}"
    script:
        "../../scripts/track_cells.py"


rule assess_tracking:
    """Count cells, links, steps and divisions of the tracks made here, and say in words what is implausible."""
    input:
        **drift_table(),
        masks="results/{dataset}/frame_masks/{recording}.h5",
        tracks="results/{dataset}/tracks/{recording}.parquet",
        code=code_of("assess_tracking.py"),
    output:
        quality="results/{dataset}/tracking/{recording}.qc.csv",
    log:
        "logs/{dataset}/assess_tracking/{recording}.log",
    wildcard_constraints:
        recording=one_of(UNTRACKED),
    group:
        "recording"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        frame_interval_min=of_recording("frame_interval_min"),
        max_step=config["tracking"]["max_step"],
        min_doubling_h=config["tracking"]["min_doubling_h"],
    message:
        "Checking the tracks of {wildcards.recording}"
    script:
        "../../scripts/assess_tracking.py"


rule plot_tracking:
    """Draw the tracks made here over the first and last frame of a recording."""
    input:
        **drift_table(),
        images=images_of,
        tracks="results/{dataset}/tracks/{recording}.parquet",
        quality="results/{dataset}/tracking/{recording}.qc.csv",
        code=code_of("plot_tracking.py"),
        reader=frames_reader,
    output:
        pdf="results/{dataset}/tracking/{recording}.pdf",
        png=report("results/{dataset}/tracking/{recording}.png", category="4 Tracking", caption="../report/tracking.rst"),
    log:
        "logs/{dataset}/plot_tracking/{recording}.log",
    wildcard_constraints:
        recording=one_of(UNTRACKED),
    group:
        "recording"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        frames=frames_of,
        channel=tracked_channel(),
    message:
        "Drawing the tracks of {wildcards.recording}"
    script:
        "../../scripts/plot_tracking.py"
