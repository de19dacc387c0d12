# Needs: tidy tables. Leaves: each figure as PDF and PNG, drawn from its table alone.


rule plot_design:
    """What stands where, and what it alone tells of the outcome."""
    input:
        design="results/{dataset}/{protocol}/tables/design.csv",
        scores="results/{dataset}/{protocol}/tables/design_scores.csv",
        code=code_of("figures/plot_design.py"),
    output:
        **figure("design"),
    log:
        "logs/{dataset}/{protocol}/plot_design.log",
    priority: 100
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        confounded_from=config["evaluation"]["confounded_from"],
    message:
        "Figure of the design"
    script:
        "../../scripts/figures/plot_design.py"


rule plot_confusion:
    """Figure 2."""
    input:
        table="results/{dataset}/{protocol}/tables/confusion.csv",
        code=code_of("figures/plot_confusion.py"),
    output:
        **figure("figure_2"),
    log:
        "logs/{dataset}/{protocol}/plot_confusion.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
    message:
        "Figure 2"
    script:
        "../../scripts/figures/plot_confusion.py"


rule plot_truncation:
    """Figure 3."""
    input:
        truncation="results/{dataset}/{protocol}/tables/truncation.csv",
        last_k="results/{dataset}/{protocol}/tables/last_k.csv",
        baselines="results/{dataset}/{protocol}/tables/baselines.csv",
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        code=code_of("figures/plot_truncation.py"),
    output:
        **figure("figure_3"),
    log:
        "logs/{dataset}/{protocol}/plot_truncation.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        min_trajectories=config["figures"]["min_trajectories"],
        outcomes=config["outcomes"],
    message:
        "Figure 3"
    script:
        "../../scripts/figures/plot_truncation.py"


rule plot_attention_profile:
    """Figure 4."""
    input:
        table="results/{dataset}/{protocol}/tables/attention_profile.csv",
        code=code_of("figures/plot_attention_profile.py"),
    output:
        **figure("figure_4"),
    log:
        "logs/{dataset}/{protocol}/plot_attention_profile.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        min_trajectories=config["figures"]["min_trajectories"],
        outcomes=config["outcomes"],
    message:
        "Figure 4"
    script:
        "../../scripts/figures/plot_attention_profile.py"


rule plot_effects:
    """Figure 5."""
    input:
        unpack(coverage_of),
        table="results/{dataset}/{protocol}/tables/effect_summary.csv",
        code=code_of("figures/plot_effects.py"),
    output:
        **figure("figure_5"),
    log:
        "logs/{dataset}/{protocol}/plot_effects.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        high_by=lambda wildcards: "attention" if wildcards.protocol == "reference" else config["statistics"]["high_by"],
    message:
        "Figure 5"
    script:
        "../../scripts/figures/plot_effects.py"


rule plot_traces:
    """Average traces of features before the end."""
    input:
        traces="results/{dataset}/{protocol}/tables/traces.csv",
        contrasts="results/{dataset}/{protocol}/tables/contrasts.csv",
        code=code_of("figures/plot_traces.py"),
    output:
        **figure("traces"),
    log:
        "logs/{dataset}/{protocol}/plot_traces.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        min_trajectories=config["figures"]["min_trajectories"],
    message:
        "Average traces"
    script:
        "../../scripts/figures/plot_traces.py"


rule plot_examples:
    """Figure 6."""
    input:
        table="results/{dataset}/{protocol}/tables/examples.csv",
        crops="results/{dataset}/{protocol}/tables/examples.h5",
        code=code_of("figures/plot_examples.py"),
    output:
        **figure("figure_6"),
    log:
        "logs/{dataset}/{protocol}/plot_examples.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
    message:
        "Figure 6"
    script:
        "../../scripts/figures/plot_examples.py"


rule plot_training_curves:
    """Losses and validation accuracy by epoch."""
    input:
        models=expand("results/{{dataset}}/{{protocol}}/fold-{fold}/model", fold=FOLDS),
        code=code_of("figures/plot_training_curves.py"),
    output:
        **figure("training_curves"),
    log:
        "logs/{dataset}/{protocol}/plot_training_curves.log",
    conda:
        "../../envs/analysis.yaml"
    message:
        "Training curves"
    script:
        "../../scripts/figures/plot_training_curves.py"


rule plot_calibration:
    """Reliability before and after calibration."""
    input:
        table="results/{dataset}/{protocol}/tables/calibration.csv",
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        code=code_of("figures/plot_calibration.py"),
    output:
        **figure("calibration"),
    log:
        "logs/{dataset}/{protocol}/plot_calibration.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        min_trajectories=config["figures"]["min_trajectories"],
        outcomes=config["outcomes"],
    message:
        "Calibration"
    script:
        "../../scripts/figures/plot_calibration.py"


rule plot_lead_time:
    """From when on an outcome is known."""
    input:
        before="results/{dataset}/{protocol}/tables/before_end.csv",
        landmarks="results/{dataset}/{protocol}/tables/landmarks.csv",
        earliness="results/{dataset}/{protocol}/tables/earliness.csv",
        known="results/{dataset}/{protocol}/tables/known_from.csv",
        code=code_of("figures/plot_lead_time.py"),
    output:
        **figure("lead_time"),
    log:
        "logs/{dataset}/{protocol}/plot_lead_time.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        min_trajectories=config["figures"]["min_trajectories"],
    message:
        "Lead time"
    script:
        "../../scripts/figures/plot_lead_time.py"


rule plot_risks:
    """Risks over time of single held-out cells, with what happened."""
    input:
        table="results/{dataset}/{protocol}/tables/risk_examples.csv",
        code=code_of("figures/plot_risks.py"),
    output:
        **figure("risks"),
    log:
        "logs/{dataset}/{protocol}/plot_risks.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
    message:
        "Risks of single cells"
    script:
        "../../scripts/figures/plot_risks.py"


rule plot_risk_scores:
    """How good the risks over time are."""
    input:
        scores="results/{dataset}/{protocol}/tables/risk_scores.csv",
        calibration="results/{dataset}/{protocol}/tables/risk_calibration.csv",
        alarms="results/{dataset}/{protocol}/tables/risk_alarms.csv",
        fates="results/{dataset}/{protocol}/tables/fate_before.csv",
        decided="results/{dataset}/{protocol}/tables/decided.csv",
        code=code_of("figures/plot_risk_scores.py"),
    output:
        **figure("risk_scores"),
    log:
        "logs/{dataset}/{protocol}/plot_risk_scores.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        min_trajectories=config["figures"]["min_trajectories"],
        outcomes=config["outcomes"],
    message:
        "Scores of the risks"
    script:
        "../../scripts/figures/plot_risk_scores.py"


rule plot_sets:
    """Sets of outcomes and triage of held-out cells."""
    input:
        sets="results/{dataset}/{protocol}/tables/sets.csv",
        triage="results/{dataset}/{protocol}/tables/triage.csv",
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        code=code_of("figures/plot_sets.py"),
    output:
        **figure("sets"),
    log:
        "logs/{dataset}/{protocol}/plot_sets.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        min_trajectories=config["figures"]["min_trajectories"],
        outcomes=config["outcomes"],
    message:
        "Sets of outcomes"
    script:
        "../../scripts/figures/plot_sets.py"


rule plot_ablations:
    """What the score is made of."""
    input:
        table="results/{dataset}/{protocol}/tables/ablations.csv",
        code=code_of("figures/plot_ablations.py"),
    output:
        **figure("ablations"),
    log:
        "logs/{dataset}/{protocol}/plot_ablations.log",
    conda:
        "../../envs/analysis.yaml"
    message:
        "What the score is made of"
    script:
        "../../scripts/figures/plot_ablations.py"


rule plot_attributions:
    """How faithful each method of explanation is."""
    input:
        scores="results/{dataset}/{protocol}/tables/attribution_scores.csv",
        curves="results/{dataset}/{protocol}/tables/attribution_curves.csv",
        code=code_of("figures/plot_attributions.py"),
    output:
        **figure("attributions"),
    log:
        "logs/{dataset}/{protocol}/plot_attributions.log",
    conda:
        "../../envs/analysis.yaml"
    message:
        "How faithful the explanations are"
    script:
        "../../scripts/figures/plot_attributions.py"


rule plot_explained_cells:
    """Single cells along one axis of time: film strip, probability, what methods say, features."""
    input:
        table="results/{dataset}/{protocol}/tables/explained_cells.csv",
        said="results/{dataset}/{protocol}/tables/given_away.csv",
        examples="results/{dataset}/{protocol}/tables/examples.csv",
        crops="results/{dataset}/{protocol}/tables/examples.h5",
        code=code_of("figures/plot_explained_cells.py"),
    output:
        **figure("explained_cells"),
    log:
        "logs/{dataset}/{protocol}/plot_explained_cells.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        shown=config["explanation"]["shown"],
    message:
        "Figure of what gave single cells away"
    script:
        "../../scripts/figures/plot_explained_cells.py"


rule plot_truth:
    """Simulated data: segmentation and time of prediction against the truth."""
    input:
        segmentation="results/{dataset}/{protocol}/truth/segmentation.csv",
        fates="results/{dataset}/{protocol}/truth/fates.csv",
        code=code_of("figures/plot_truth.py"),
    output:
        pdf="results/{dataset}/{protocol}/figures/truth.pdf",
        png=report("results/{dataset}/{protocol}/figures/truth.png", category="2 Figures", caption="../report/truth.rst"),
    log:
        "logs/{dataset}/{protocol}/plot_truth.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        min_trajectories=config["figures"]["min_trajectories"],
        outcomes=config["outcomes"],
    message:
        "Figure of the truth"
    script:
        "../../scripts/figures/plot_truth.py"
