# Needs: the frames and checked tracks of a recording, or a movie of each of its cells.
# Leaves: its single-cell crops, one HDF5 file, and intensities in rings of each.


rule extract_crops:
    """Cut the crop around each cell out of each frame, each frame decoded once."""
    input:
        images=images_of,
        tracks="results/{dataset}/tracks/{recording}.parquet",
        outcomes="results/{dataset}/tracks/{recording}.outcomes.parquet",
        code=code_of("crops/extract_crops.py"),
        reader=frames_reader,
    output:
        crops="results/{dataset}/crops{kind}/{recording}.h5",
    log:
        "logs/{dataset}/extract_crops{kind}/{recording}.log",
    benchmark:
        "results/{dataset}/benchmarks/extract_crops{kind}/{recording}.tsv"
    wildcard_constraints:
        recording=one_of([*TRACKED, *UNTRACKED]),
    group:
        "recording"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        recording="{recording}",
        frames=frames_of,
        images=images_known,
        size=config["crops"]["size"],
        tracks=tracks_cut,
        outcomes=[config["outcomes"]["negative"], config["outcomes"]["positive"]],
        min_frames=config["crops"]["min_frames"],
        frame_interval_min=of_recording("frame_interval_min"),
        pixel_size_um=of_recording("pixel_size_um"),
    message:
        "Cutting the crops of {wildcards.recording}"
    script:
        "../../scripts/crops/extract_crops.py"


rule read_movies:
    """Check the movies of one recording's cells: every mistake in the input is found here. Tables as those of tracks."""
    input:
        movies=movies_of,
        code=code_of("crops/read_movies.py"),
        reader=movie_readers,
    output:
        tracks="results/{dataset}/tracks/{recording}.parquet",
        outcomes="results/{dataset}/tracks/{recording}.outcomes.parquet",
        left_out="results/{dataset}/tracks/{recording}.left_out.csv",
        sources="results/{dataset}/tracks/{recording}.outcome_sources.csv",
        cells="results/{dataset}/tracks/{recording}.cells.csv",
    log:
        "logs/{dataset}/read_movies/{recording}.log",
    wildcard_constraints:
        recording=one_of(READY_MADE),
    priority: 100  # as read_tracks
    group:
        "recording"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        cells=cells_of,
        movies=movies_known,
        channels=of_recording("channels"),
        size=config["crops"]["size"],
        other_sizes=SOURCE["other_sizes"],
        constant_frames=SOURCE["constant_frames"],
        min_frames=config["crops"]["min_frames"],
        event_gap=config["tracks"]["event_gap"],
        words=config["tracks"]["outcomes_from"]["words"],
        sheet=config["recordings"],
    message:
        "Checking the movies of {wildcards.recording}"
    script:
        "../../scripts/crops/read_movies.py"


rule gather_crops:
    """Put the movies of one recording's cells into its file of crops."""
    input:
        movies=movies_of,
        tracks="results/{dataset}/tracks/{recording}.parquet",
        outcomes="results/{dataset}/tracks/{recording}.outcomes.parquet",
        code=code_of("crops/gather_crops.py"),
        reader=movie_readers,
    output:
        crops="results/{dataset}/crops{kind}/{recording}.h5",
    log:
        "logs/{dataset}/gather_crops{kind}/{recording}.log",
    wildcard_constraints:
        recording=one_of(READY_MADE),
    group:
        "recording"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        cells=cells_of,
        movies=movies_known,
        channels=of_recording("channels"),
        size=config["crops"]["size"],
        other_sizes=SOURCE["other_sizes"],
        constant_frames=SOURCE["constant_frames"],
        tracks=tracks_cut,
        outcomes=[config["outcomes"]["negative"], config["outcomes"]["positive"]],
        min_frames=config["crops"]["min_frames"],
        frame_interval_min=of_recording("frame_interval_min"),
        pixel_size_um=of_recording("pixel_size_um"),
    message:
        "Gathering the crops of {wildcards.recording}"
    script:
        "../../scripts/crops/gather_crops.py"


rule measure_rings:
    """Intensities in rings around the centre of each crop, per channel: what baselines and risks see of a cell."""
    input:
        crops="results/{dataset}/crops{kind}/{recording}.h5",
        code=code_of("crops/measure_rings.py"),
    output:
        rings="results/{dataset}/rings{kind}/{recording}.parquet",
    log:
        "logs/{dataset}/measure_rings{kind}/{recording}.log",
    group:
        "recording"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        **config["rings"],
    message:
        "Rings of the cells of {wildcards.recording}"
    script:
        "../../scripts/crops/measure_rings.py"
