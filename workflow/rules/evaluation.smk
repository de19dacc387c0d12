# Needs: embeddings and models of all folds. Leaves: predictions, and tables of metrics with intervals.

ALL_PREDICTIONS = expand("results/{{dataset}}/{{protocol}}/fold-{fold}/predictions.parquet", fold=FOLDS)
METRIC_PARAMS = dict(
    outcomes=config["outcomes"],
    treatment=config["evaluation"]["treatment"],
    bootstrap=config["evaluation"]["bootstrap"],
    seed=config["seed"],
)


rule predict_trajectories:
    """Predict full, truncated and last-k trajectories from the embeddings; calibrate on the validation part."""
    input:
        embeddings="results/{dataset}/{protocol}/fold-{fold}/embeddings.h5",
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        model="results/{dataset}/{protocol}/fold-{fold}/model",
        code=code_of("predict_trajectories.py"),
    output:
        predictions="results/{dataset}/{protocol}/fold-{fold}/predictions.parquet",
        calibration="results/{dataset}/{protocol}/fold-{fold}/calibration.json",
    log:
        "logs/{dataset}/{protocol}/fold-{fold}/predict_trajectories.log",
    conda:
        "../../envs/learning.yaml"
    resources:
        gpu=0 if config["training"]["accelerator"] == "cpu" else 1,
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        accelerator=config["training"]["accelerator"],
        truncation=config["evaluation"]["truncation"],
        last_k=config["evaluation"]["last_k"],
        treatment=config["evaluation"]["treatment"],
        calibration=config["evaluation"]["calibration"],
        min_frames=config["trajectories"]["min_frames"],
    message:
        "Predicting the trajectories of fold {wildcards.fold}"
    script:
        "../../scripts/predict_trajectories.py"


rule evaluate_test:
    """Score the held-out trajectories, all and treated: accuracy, F1, precision, recall, log-loss, AUROC."""
    input:
        predictions=ALL_PREDICTIONS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        code=code_of("evaluate_test.py"),
    output:
        metrics=report("results/{dataset}/{protocol}/tables/test_metrics.csv", category="3 Tables", caption="../report/test_metrics.rst"),
    log:
        "logs/{dataset}/{protocol}/evaluate_test.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        **METRIC_PARAMS,
    message:
        "Scoring the test set"
    script:
        "../../scripts/evaluate_test.py"


rule evaluate_truncation:
    """Score predictions made without the last n frames."""
    input:
        predictions=ALL_PREDICTIONS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        code=code_of("evaluate_truncation.py"),
    output:
        metrics=report("results/{dataset}/{protocol}/tables/truncation.csv", category="3 Tables", caption="../report/truncation.rst"),
    log:
        "logs/{dataset}/{protocol}/evaluate_truncation.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        **METRIC_PARAMS,
        truncation=config["evaluation"]["truncation"],
        cohort=config["evaluation"]["cohort"],
    message:
        "Scoring truncated trajectories"
    script:
        "../../scripts/evaluate_truncation.py"


rule evaluate_last_k:
    """Score predictions made from the last k frames alone."""
    input:
        predictions=ALL_PREDICTIONS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        code=code_of("evaluate_last_k.py"),
    output:
        metrics=report("results/{dataset}/{protocol}/tables/last_k.csv", category="3 Tables", caption="../report/last_k.rst"),
    log:
        "logs/{dataset}/{protocol}/evaluate_last_k.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        **METRIC_PARAMS,
        last_k=config["evaluation"]["last_k"],
        cohort=config["evaluation"]["cohort"],
    message:
        "Scoring last frames"
    script:
        "../../scripts/evaluate_last_k.py"


rule tabulate_confusion:
    """Count true against predicted outcomes of the held-out trajectories."""
    input:
        predictions=ALL_PREDICTIONS,
        code=code_of("tabulate_confusion.py"),
    output:
        table="results/{dataset}/{protocol}/tables/confusion.csv",
    log:
        "logs/{dataset}/{protocol}/tabulate_confusion.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
    message:
        "Table of figure 2"
    script:
        "../../scripts/tabulate_confusion.py"


rule tabulate_calibration:
    """Compare probabilities with observed frequencies, before and after calibration, at each truncation."""
    input:
        predictions=ALL_PREDICTIONS,
        code=code_of("tabulate_calibration.py"),
    output:
        table="results/{dataset}/{protocol}/tables/calibration.csv",
    log:
        "logs/{dataset}/{protocol}/tabulate_calibration.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        bins=config["evaluation"]["calibration_bins"],
        calibration=config["evaluation"]["calibration"],
    message:
        "Table of calibration"
    script:
        "../../scripts/tabulate_calibration.py"
