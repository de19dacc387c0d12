# Simulated data only. Needs: the simulator's truth, masks and predictions. Leaves: scores that no other rule reads.


rule evaluate_against_truth:
    """Score masks, fates, the time of prediction and where attention lies against the simulator's truth: a leaf, nothing reads it."""
    input:
        truth=expand("resources/{{dataset}}/truth/{recording}.h5", recording=TRACKED),
        crops=[TARGETS.crops(name) for name in TRACKED],
        masks=expand(f"results/{{{{dataset}}}}/masks/{SEGMENTATION}/{{recording}}.h5", recording=TRACKED),
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        outcomes=expand("results/{{dataset}}/tracks/{recording}.outcomes.parquet", recording=TRACKED),
        predictions=ALL_PREDICTIONS,
        attention=ALL_ATTENTION,
        code=code_of("truth/evaluate_against_truth.py"),
    output:
        segmentation="results/{dataset}/{protocol}/truth/segmentation.csv",
        fates="results/{dataset}/{protocol}/truth/fates.csv",
        evidence="results/{dataset}/{protocol}/truth/evidence.csv",
        outcomes="results/{dataset}/{protocol}/truth/outcomes.csv",
    log:
        "logs/{dataset}/{protocol}/evaluate_against_truth.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        region=config["features"]["region"],
        min_area=config["features"]["min_area"],
        high_percentile=config["statistics"]["high_percentile"],
    message:
        "Scoring against the simulator's truth"
    script:
        "../../scripts/truth/evaluate_against_truth.py"


rule score_explanations:
    """Score explanations against the frames and channels in which effects were planted: a leaf, nothing reads it."""
    input:
        truth=expand("resources/{{dataset}}/truth/{recording}.h5", recording=TRACKED),
        attributions=expand("results/{{dataset}}/{{protocol}}/fold-{fold}/attributions.parquet", fold=FOLDS),
        predictions=ALL_PREDICTIONS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        code=code_of("truth/score_explanations.py"),
    output:
        table=report(
            "results/{dataset}/{protocol}/truth/attributions.csv",
            category="3 Tables",
            caption="../report/truth_attributions.rst",
        ),
    log:
        "logs/{dataset}/{protocol}/score_explanations.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        unit=config["split"]["unit"],
    message:
        "Scoring explanations against the simulator's truth"
    script:
        "../../scripts/truth/score_explanations.py"


rule evaluate_tracking:
    """Score masks and tracks that were made here against the simulator's truth: a leaf, nothing reads it."""
    input:
        truth="resources/{dataset}/truth/{recording}.h5",
        masks="results/{dataset}/frame_masks/{recording}.h5",
        tracks="results/{dataset}/tracks/{recording}.parquet",
        code=code_of("truth/evaluate_tracking.py"),
    output:
        scores="results/{dataset}/tracking/{recording}.truth.csv",
    log:
        "logs/{dataset}/evaluate_tracking/{recording}.log",
    wildcard_constraints:
        recording=one_of(UNTRACKED),
    group:
        "recording"
    conda:
        "../../envs/analysis.yaml"
    message:
        "Scoring the tracks of {wildcards.recording} against the simulator's truth"
    script:
        "../../scripts/truth/evaluate_tracking.py"
