# Needs: the frames of a recording. Leaves: how far the scene moved in each frame, as a table and a picture.
# Only with registration.method other than none; positions and crops stay in the raw frames.


rule register_drift:
    """Estimate the drift of one recording: the shift of the scene in each frame against the first, pixels."""
    input:
        images=images_of,
        code=code_of("frames/register_drift.py"),
        reader=frames_reader,
    output:
        drift="results/{dataset}/drift/{recording}.csv",
    log:
        "logs/{dataset}/register_drift/{recording}.log",
    benchmark:
        "results/{dataset}/benchmarks/register_drift/{recording}.tsv"
    group:
        "drift"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        frames=frames_of,
        images=images_known,
        channel=config["registration"]["channel"],
        upsampling=config["registration"]["upsampling"],
    message:
        "Registering {wildcards.recording}"
    script:
        "../../scripts/frames/register_drift.py"


rule plot_drift:
    """The drift of one recording against time."""
    input:
        drift="results/{dataset}/drift/{recording}.csv",
        code=code_of("figures/plot_drift.py"),
    output:
        pdf="results/{dataset}/drift/{recording}.pdf",
        png="results/{dataset}/drift/{recording}.png",
    log:
        "logs/{dataset}/plot_drift/{recording}.log",
    group:
        "drift"
    conda:
        "../../envs/analysis.yaml"
    params:
        frame_interval_min=of_recording("frame_interval_min"),
    message:
        "Figure of the drift of {wildcards.recording}"
    script:
        "../../scripts/figures/plot_drift.py"
