# Simulated data only. Needs: nothing. Leaves: recordings as users have them, their truth, and a small network that finds their cells.

if config["source"]["kind"] == "simulate":

    rule simulate_recording:
        """Simulate one recording of the sheet: frames, annotations, and the truth that only the scoring rule reads."""
        input:
            code=code_of("simulation/simulate_recording.py"),
        output:
            images=directory("resources/{dataset}/images/{recording}"),
            annotations="resources/{dataset}/annotations/{recording}.json",
            truth="resources/{dataset}/truth/{recording}.h5",
        log:
            "logs/{dataset}/simulate_recording/{recording}.log",
        conda:
            "../../envs/analysis.yaml"
        resources:
            mem_mb=growing(2000),
            runtime=growing(20),
        params:
            settings=config.get("simulation", {}),
            seed=config["seed"],
            treatment=of_recording("treatment"),
            dose=of_recording("dose"),
            treatment_start_h=of_recording("treatment_start_h"),
            frame_interval_min=of_recording("frame_interval_min"),
        message:
            "Simulating {wildcards.recording}"
        script:
            "../../scripts/simulation/simulate_recording.py"


rule train_segmentation_network:
    """Train the small Cellpose network on simulated fields, with seeds of its own."""
    input:
        code=code_of("simulation/train_segmentation_network.py"),
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
        "../../scripts/simulation/train_segmentation_network.py"
