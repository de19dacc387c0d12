# Needs: the frames and tracks of a recording; where its row of the sheet has no tracks, masks of its frames.
# Leaves: checked tables of its tracks and of how they ended, and, where they were made here, how plausible they are.


rule split_annotations:
    """Cut a large annotation file, which many recordings may share, into one file per recording, so that it is read once."""
    input:
        annotations=lambda wildcards: LARGE_ANNOTATIONS[wildcards.annotations],
        code=code_of("recordings/split_annotations.py"),
    output:
        pieces=directory("results/{dataset}/annotations/{annotations}"),
    log:
        "logs/{dataset}/split_annotations/{annotations}.log",
    wildcard_constraints:
        annotations=one_of(LARGE_ANNOTATIONS),
    priority: 100
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(16000),
        runtime=growing(60),
    message:
        "Cutting {wildcards.annotations} into one file per recording"
    script:
        "../../scripts/recordings/split_annotations.py"


rule read_tracks:
    """Check the frames of one recording and read its tracks and outcomes: every mistake in the input is found here."""
    input:
        images=images_of,
        tracks=tracks_of,
        beside=files_beside_tracks,
        edited=edited_of_recording,
        code=code_of("tracks/read_tracks.py"),
        reader=readers,
    output:
        tracks="results/{dataset}/tracks/{recording}.parquet",
        outcomes="results/{dataset}/tracks/{recording}.outcomes.parquet",
        left_out="results/{dataset}/tracks/{recording}.left_out.csv",
        sources="results/{dataset}/tracks/{recording}.outcome_sources.csv",
    log:
        "logs/{dataset}/read_tracks/{recording}.log",
    wildcard_constraints:
        recording=one_of(TRACKED),
    priority: 100  # a mistake in any recording shows before work is spent on the others
    group:
        "recording"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        tracks_format=of_recording("tracks_format"),
        frames=frames_of,
        images=images_known,
        event_gap=config["tracks"]["event_gap"],
        outcomes_from=config["tracks"]["outcomes_from"],
        outcome_rows=lambda wildcards: without_lines(BY_HAND.outcome_rows.get(wildcards.recording, [])),
        labels=lambda wildcards: as_text(BY_HAND.labels.get(wildcards.recording, [])),
        corrections=lambda wildcards: as_text(without_lines(BY_HAND.corrections.get(wildcards.recording, []))),
        corrected_by=lambda wildcards: config["tracks"]["corrections"] if wildcards.recording in BY_HAND.corrections else None,
        pixel_size_um=of_recording("pixel_size_um"),
        frame_interval_min=of_recording("frame_interval_min"),
    message:
        "Checking the frames and tracks of {wildcards.recording}"
    script:
        "../../scripts/tracks/read_tracks.py"


rule track_cells:
    """Link the segmented cells of a recording to tracks; no fates are known."""
    input:
        **drift_table(),
        masks="results/{dataset}/frame_masks/{recording}.h5",
        edited=edited_of_recording,
        code=code_of("tracks/track_cells.py"),
    output:
        tracks="results/{dataset}/tracks/{recording}.parquet",
        outcomes="results/{dataset}/tracks/{recording}.outcomes.parquet",
    log:
        "logs/{dataset}/track_cells/{recording}.log",
    wildcard_constraints:
        recording=one_of(UNTRACKED),
    priority: 100
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
        "../../scripts/tracks/track_cells.py"


rule assess_links:
    """How likely each link of the tracks of a recording is wrong, and each track one cell, by a model that simulated films calibrated."""
    input:
        **frames_of_doubt(),
        tracks="results/{dataset}/tracks/{recording}.parquet",
        code=code_of("tracks/assess_links.py"),
    output:
        confidence="results/{dataset}/tracks/{recording}.confidence.parquet",
    log:
        "logs/{dataset}/assess_links/{recording}.log",
    benchmark:
        "results/{dataset}/benchmarks/assess_links/{recording}.tsv"
    wildcard_constraints:
        recording=one_of([*TRACKED, *UNTRACKED]),
    priority: 100
    group:
        "recording"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        doubt=config["tracks"]["doubt"],
        frames=lambda wildcards: frames_of(wildcards) if config["tracks"]["doubt"] == "images" else None,
        images=lambda wildcards: images_known(wildcards) if config["tracks"]["doubt"] == "images" else None,
    message:
        "Doubtful links of {wildcards.recording}"
    script:
        "../../scripts/tracks/assess_links.py"


rule assess_tracking:
    """Count cells, links, steps and divisions of the tracks made here, and say in words what is implausible."""
    input:
        **drift_table(),
        masks="results/{dataset}/frame_masks/{recording}.h5",
        tracks="results/{dataset}/tracks/{recording}.parquet",
        code=code_of("tracks/assess_tracking.py"),
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
        "../../scripts/tracks/assess_tracking.py"


rule plot_tracking:
    """Draw the tracks made here over the first and last frame of a recording."""
    input:
        **drift_table(),
        images=images_of,
        tracks="results/{dataset}/tracks/{recording}.parquet",
        quality="results/{dataset}/tracking/{recording}.qc.csv",
        code=code_of("figures/plot_tracking.py"),
        reader=frames_reader,
    output:
        pdf="results/{dataset}/tracking/{recording}.pdf",
        png=report("results/{dataset}/tracking/{recording}.png", category="5 Tracking", caption="../report/tracking.rst"),
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
        images=images_known,
        channel=tracked_channel(),
    message:
        "Drawing the tracks of {wildcards.recording}"
    script:
        "../../scripts/figures/plot_tracking.py"
