# Needs: predictions of all folds. Leaves: tables of metrics with intervals.

METRIC_PARAMS = dict(
    outcomes=config["outcomes"],
    treatment=config["evaluation"]["treatment"],
    unit=config["split"]["unit"],
)
# hours from each recording's first frame to its drug
DRUG_HOURS = sheet_values("treatment_start_h")


rule evaluate_test:
    """Score the held-out trajectories, all and treated: accuracy, F1, precision, recall, log-loss, AUROC."""
    input:
        predictions=ALL_PREDICTIONS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        code=code_of("evaluation/evaluate_test.py"),
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
        "../../scripts/evaluation/evaluate_test.py"


rule evaluate_truncation:
    """Score predictions made without the last n frames."""
    input:
        predictions=ALL_PREDICTIONS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        code=code_of("evaluation/evaluate_truncation.py"),
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
        "../../scripts/evaluation/evaluate_truncation.py"


rule evaluate_last_k:
    """Score predictions made from the last k frames alone."""
    input:
        predictions=ALL_PREDICTIONS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        code=code_of("evaluation/evaluate_last_k.py"),
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
        "../../scripts/evaluation/evaluate_last_k.py"


rule predict_baselines:
    """What simple predictors say of the held-out trajectories, on the network's folds and prefixes."""
    input:
        **features_of_all(),
        rings=ALL_RINGS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        code=code_of("evaluation/predict_baselines.py"),
    output:
        predictions="results/{dataset}/{protocol}/baselines.parquet",
    log:
        "logs/{dataset}/{protocol}/predict_baselines.log",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        treatment=config["evaluation"]["treatment"],
        truncation=config["evaluation"]["truncation"],
        drug=DRUG_HOURS,
        every=config["prediction"]["every"],
        min_frames=MIN_FRAMES,
        seed=config["seed"],
    message:
        "Fitting the baselines"
    script:
        "../../scripts/evaluation/predict_baselines.py"


rule audit_split:
    """By how much the split is optimistic, where cells of one lineage, recording or group are on both sides."""
    input:
        rings=ALL_RINGS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        code=code_of("evaluation/audit_split.py"),
    output:
        table=report("results/{dataset}/{protocol}/tables/split_audit.csv", category="3 Tables", caption="../report/split_audit.rst"),
    log:
        "logs/{dataset}/{protocol}/audit_split.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        unit=config["split"]["unit"],
        seed=config["seed"],
    message:
        "Auditing the split"
    script:
        "../../scripts/evaluation/audit_split.py"


rule evaluate_baselines:
    """Score network and baselines on the same trajectories, with the paired differences."""
    input:
        predictions=ALL_PREDICTIONS,
        baselines="results/{dataset}/{protocol}/baselines.parquet",
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        code=code_of("evaluation/evaluate_baselines.py"),
    output:
        table=report("results/{dataset}/{protocol}/tables/baselines.csv", category="3 Tables", caption="../report/baselines.rst"),
    log:
        "logs/{dataset}/{protocol}/evaluate_baselines.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        **METRIC_PARAMS,
        truncation=config["evaluation"]["truncation"],
        cohort=config["evaluation"]["cohort"],
        calibration=config["evaluation"]["calibration"],
    message:
        "Network against baselines"
    script:
        "../../scripts/evaluation/evaluate_baselines.py"


rule evaluate_recordings:
    """Score held-out recordings one by one, beside how far each lies from its fold's training recordings."""
    input:
        predictions=ALL_PREDICTIONS,
        training="results/{dataset}/{protocol}/training_data.json",
        code=code_of("evaluation/evaluate_recordings.py"),
    output:
        scores=report("results/{dataset}/{protocol}/tables/shift.csv", category="3 Tables", caption="../report/shift.rst"),
        values="results/{dataset}/{protocol}/tables/shift_values.csv",
        spread="results/{dataset}/{protocol}/tables/recording_spread.csv",
    log:
        "logs/{dataset}/{protocol}/evaluate_recordings.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        bootstrap=config["evaluation"]["bootstrap"],
        seed=config["seed"],
    message:
        "Held-out recordings one by one"
    script:
        "../../scripts/evaluation/evaluate_recordings.py"


rule evaluate_by_confidence:
    """Score the held-out trajectories in thirds by how likely their tracks are one cell."""
    input:
        **confidence_of_tracks(),
        predictions=ALL_PREDICTIONS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        code=code_of("evaluation/evaluate_by_confidence.py"),
    output:
        table=report(
            "results/{dataset}/{protocol}/tables/score_by_confidence.csv",
            category="3 Tables",
            caption="../report/score_by_confidence.rst",
        ),
    log:
        "logs/{dataset}/{protocol}/evaluate_by_confidence.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        unit=config["split"]["unit"],
    message:
        "Scores by how sure tracks are"
    script:
        "../../scripts/evaluation/evaluate_by_confidence.py"


rule tabulate_confusion:
    """Count true against predicted outcomes of the held-out trajectories."""
    input:
        predictions=ALL_PREDICTIONS,
        code=code_of("evaluation/tabulate_confusion.py"),
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
        "../../scripts/evaluation/tabulate_confusion.py"


rule tabulate_calibration:
    """Compare probabilities with observed frequencies, before and after calibration, at each truncation."""
    input:
        predictions=ALL_PREDICTIONS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        code=code_of("evaluation/tabulate_calibration.py"),
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
        "../../scripts/evaluation/tabulate_calibration.py"


rule evaluate_lead_time:
    """Known from when on? Landmarks looking forward, early calls, and the first hour before the end that is better than chance."""
    input:
        prefixes=ALL_PREFIXES,
        predictions=ALL_PREDICTIONS,
        baselines="results/{dataset}/{protocol}/baselines.parquet",
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        code=code_of("evaluation/evaluate_lead_time.py"),
    output:
        landmarks=report("results/{dataset}/{protocol}/tables/landmarks.csv", category="3 Tables", caption="../report/landmarks.rst"),
        earliness="results/{dataset}/{protocol}/tables/earliness.csv",
        before="results/{dataset}/{protocol}/tables/before_end.csv",
        known="results/{dataset}/{protocol}/tables/known_from.csv",
    log:
        "logs/{dataset}/{protocol}/evaluate_lead_time.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        unit=config["split"]["unit"],
        treatment=config["evaluation"]["treatment"],
        truncation=config["evaluation"]["truncation"],
        calibrated=config["evaluation"]["calibration"],
        drug=DRUG_HOURS,
        min_trajectories=config["figures"]["min_trajectories"],
    message:
        "Lead time"
    script:
        "../../scripts/evaluation/evaluate_lead_time.py"


rule evaluate_risks:
    """Score the risks over time under censoring, beside clocks and baselines that are told as much: skill, calibration, alarms."""
    input:
        fates=expand("results/{{dataset}}/{{protocol}}/fold-{fold}/risks/fates.parquet", fold=FOLDS),
        prefixes=ALL_PREFIXES,
        rings=ALL_RINGS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        code=code_of("evaluation/evaluate_risks.py"),
    output:
        scores=report("results/{dataset}/{protocol}/tables/risk_scores.csv", category="3 Tables", caption="../report/risk_scores_table.rst"),
        calibration="results/{dataset}/{protocol}/tables/risk_calibration.csv",
        alarms="results/{dataset}/{protocol}/tables/risk_alarms.csv",
        fates="results/{dataset}/{protocol}/tables/fate_before.csv",
        decided="results/{dataset}/{protocol}/tables/decided.csv",
        examples="results/{dataset}/{protocol}/tables/risk_examples.csv",
    log:
        "logs/{dataset}/{protocol}/evaluate_risks.log",
    benchmark:
        "results/{dataset}/{protocol}/benchmarks/evaluate_risks.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        **params_of_risks(),
        outcomes=config["outcomes"],
        horizons_hours=config["risks"]["horizons_hours"],
        bins=config["evaluation"]["calibration_bins"],
        alarm_share=config["evaluation"]["alarm_share"],
        decided_level=config["evaluation"]["decided_level"],
        drug=DRUG_HOURS,
        min_frames=MIN_FRAMES,
    message:
        "Fate over time beside clocks and baselines"
    script:
        "../../scripts/evaluation/evaluate_risks.py"


rule evaluate_sets:
    """Fit sets of outcomes on held-out prefixes; how often they hold the outcome, and how many cells they decide."""
    input:
        prefixes=ALL_PREFIXES,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        code=code_of("evaluation/evaluate_sets.py"),
    output:
        sets=report("results/{dataset}/{protocol}/tables/sets.csv", category="3 Tables", caption="../report/sets_table.rst"),
        triage="results/{dataset}/{protocol}/tables/triage.csv",
        limits="results/{dataset}/{protocol}/sets.json",
    log:
        "logs/{dataset}/{protocol}/evaluate_sets.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        unit=config["split"]["unit"],
        truncation=config["evaluation"]["truncation"],
        level=config["evaluation"]["set_level"],
    message:
        "Sets of outcomes"
    script:
        "../../scripts/evaluation/evaluate_sets.py"


rule predict_ablations:
    """Predict held-out trajectories with the cell, its surroundings, channels, or the order of frames hidden from the network."""
    input:
        **hidden_from(),
        embeddings="results/{dataset}/{protocol}/fold-{fold}/embeddings.h5",
        calibration="results/{dataset}/{protocol}/fold-{fold}/calibration.json",
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        model="results/{dataset}/{protocol}/fold-{fold}/model",
        code=code_of("evaluation/predict_ablations.py"),
    output:
        ablated="results/{dataset}/{protocol}/fold-{fold}/ablations.parquet",
    log:
        "logs/{dataset}/{protocol}/fold-{fold}/predict_ablations.log",
    benchmark:
        "results/{dataset}/{protocol}/benchmarks/fold-{fold}/predict_ablations.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        gpu=0 if config["training"]["accelerator"] == "cpu" else 1,
        mem_mb=growing(8000),
        runtime=growing(480),
    params:
        accelerator=config["training"]["accelerator"],
        settings=dict(
            kinds=config["evaluation"]["ablations"] or [],
            trajectories=config["evaluation"]["ablation_trajectories"],
            radius=config["segmentation"]["diameter"] / 2,
            region=config["features"]["region"],
            min_area=config["features"]["min_area"],
            seed=config["seed"],
            **{key: config["embedding"][key] for key in ("batch_size", "precision", "channels_last")},
        ),
    message:
        "Hiding parts of the input from the network of fold {wildcards.fold}"
    script:
        "../../scripts/evaluation/predict_ablations.py"


rule evaluate_ablations:
    """Score the network with parts of the input hidden, with the paired change against the whole input."""
    input:
        predictions=ALL_PREDICTIONS,
        ablated=expand("results/{{dataset}}/{{protocol}}/fold-{fold}/ablations.parquet", fold=FOLDS),
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        code=code_of("evaluation/evaluate_ablations.py"),
    output:
        table=report("results/{dataset}/{protocol}/tables/ablations.csv", category="3 Tables", caption="../report/ablations_table.rst"),
    log:
        "logs/{dataset}/{protocol}/evaluate_ablations.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        unit=config["split"]["unit"],
        radius=config["segmentation"]["diameter"] / 2,
    message:
        "What the score is made of"
    script:
        "../../scripts/evaluation/evaluate_ablations.py"


rule compare_published:
    """Our numbers beside the published ones; only where the data are the published ones."""
    input:
        metrics="results/{dataset}/{protocol}/tables/test_metrics.csv",
        truncation="results/{dataset}/{protocol}/tables/truncation.csv",
        last_k="results/{dataset}/{protocol}/tables/last_k.csv",
        effects="results/{dataset}/{protocol}/tables/effect_summary.csv",
        profile="results/{dataset}/{protocol}/tables/attention_profile.csv",
        code=code_of("evaluation/compare_published.py"),
    output:
        table=report("results/{dataset}/{protocol}/tables/published.csv", category="3 Tables", caption="../report/published.rst"),
    log:
        "logs/{dataset}/{protocol}/compare_published.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        treatment=config["evaluation"]["treatment"],
        reference=config["figures"]["reference"],
        checkpoint=config["training"]["checkpoint"],
        unit=config["split"]["unit"],
        order_known=ORDER_OF_CELLS_KNOWN,
    message:
        "Ours beside the published numbers"
    script:
        "../../scripts/evaluation/compare_published.py"
