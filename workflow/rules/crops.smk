# Needs: the frames and checked tracks of a recording. Leaves: its single-cell crops, one HDF5 file.


rule extract_crops:
    """Cut the crop around each cell out of each frame, each frame decoded once."""
    input:
        images=images_of,
        tracks="results/{dataset}/tracks/{recording}.parquet",
        outcomes="results/{dataset}/tracks/{recording}.outcomes.parquet",
        code=code_of("crops/extract_crops.py"),
        reader=frames_reader,
    output:
        crops="results/{dataset}/crops/{recording}.h5",
    log:
        "logs/{dataset}/extract_crops/{recording}.log",
    benchmark:
        "results/{dataset}/benchmarks/extract_crops/{recording}.tsv"
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
        tracks=config["crops"]["tracks"],
        outcomes=[config["outcomes"]["negative"], config["outcomes"]["positive"]],
        min_frames=config["crops"]["min_frames"],
        frame_interval_min=of_recording("frame_interval_min"),
        pixel_size_um=of_recording("pixel_size_um"),
    message:
        "Cutting the crops of {wildcards.recording}"
    script:
        "../../scripts/crops/extract_crops.py"
