# Simulated data only. Needs: the simulator's truth, masks and predictions. Leaves: scores that no other rule reads.


rule evaluate_against_truth:
    """Score the masks, the fates and the time of prediction against the simulator's truth: a leaf, nothing reads it."""
    input:
        truth=expand("resources/{{dataset}}/truth/{recording}.h5", recording=RECORDINGS),
        crops=ALL_CROPS,
        masks=expand(f"results/{{{{dataset}}}}/masks/{SEGMENTATION}/{{recording}}.h5", recording=RECORDINGS),
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        outcomes=expand("results/{{dataset}}/tracks/{recording}.outcomes.parquet", recording=RECORDINGS),
        predictions=ALL_PREDICTIONS,
        code=library_of("evaluate_against_truth.py"),
    output:
        segmentation="results/{dataset}/{protocol}/truth/segmentation.csv",
        fates="results/{dataset}/{protocol}/truth/fates.csv",
        outcomes="results/{dataset}/{protocol}/truth/outcomes.csv",
    log:
        "logs/{dataset}/{protocol}/evaluate_against_truth.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        region=config["features"]["region"],
        min_area=config["features"]["min_area"],
    message:
        "Scoring against the simulator's truth"
    script:
        "../../scripts/evaluate_against_truth.py"
