# Needs: attention, predictions and features. Leaves: the profile of attention, the features that go with it, and examples.


rule tabulate_attention_profile:
    """Mean attention and occlusion of each outcome, aligned at the last frame: the table of figure 4."""
    input:
        attention=ALL_ATTENTION,
        predictions=ALL_PREDICTIONS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        code=code_of("explanation/tabulate_attention_profile.py"),
    output:
        table="results/{dataset}/{protocol}/tables/attention_profile.csv",
    log:
        "logs/{dataset}/{protocol}/tabulate_attention_profile.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        treatment=config["evaluation"]["treatment"],
        splits=config["attention"]["splits"],
        max_frames_before_end=config["attention"]["max_frames_before_end"],
        intervals=config["attention"]["intervals"],
        bootstrap=config["evaluation"]["bootstrap"],
        seed=config["seed"],
    message:
        "Table of figure 4"
    script:
        "../../scripts/explanation/tabulate_attention_profile.py"


rule test_features:
    """Compare each feature between frames of high and low attention (or occlusion) within each trajectory: permutation test, Cliff's delta."""
    input:
        attention=ALL_ATTENTION,
        predictions=ALL_PREDICTIONS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        features=ALL_FEATURES,
        code=code_of("explanation/test_features.py"),
    output:
        effects="results/{dataset}/{protocol}/tables/effects.parquet",
        steps="results/{dataset}/{protocol}/tables/comparison_steps.csv",
    log:
        "logs/{dataset}/{protocol}/test_features.log",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        **{key: config["statistics"][key] for key in ("splits", "high_by", "min_frames", "high_percentile", "resamples")},
        outcomes=config["outcomes"],
        treatment=config["evaluation"]["treatment"],
        seed=config["seed"],
    message:
        f"Comparing frames of high and low {config['statistics']['high_by']}"
    script:
        "../../scripts/explanation/test_features.py"


rule tabulate_coverage:
    """In which share of the frames the segmentation found the cell, by outcome and phase."""
    input:
        masks=ALL_MASKS,
        features=ALL_FEATURES,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        code=code_of("explanation/tabulate_coverage.py"),
    output:
        table=report(
            "results/{dataset}/{protocol}/tables/segmentation_coverage.csv",
            category="3 Tables",
            caption="../report/segmentation_coverage.rst",
        ),
    log:
        "logs/{dataset}/{protocol}/tabulate_coverage.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        splits=config["statistics"]["splits"],
        treatment=config["evaluation"]["treatment"],
    message:
        "Where the segmentation found the cell"
    script:
        "../../scripts/explanation/tabulate_coverage.py"


rule summarize_effects:
    """Median Cliff's delta of each feature and outcome, with interval, null and correction: the table of figure 5."""
    input:
        effects="results/{dataset}/{protocol}/tables/effects.parquet",
        attention=ALL_ATTENTION,
        predictions=ALL_PREDICTIONS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        features=ALL_FEATURES,
        code=code_of("explanation/summarize_effects.py"),
    output:
        table=report("results/{dataset}/{protocol}/tables/effect_summary.csv", category="3 Tables", caption="../report/effect_summary.rst"),
    log:
        "logs/{dataset}/{protocol}/summarize_effects.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        **{
            key: config["statistics"][key]
            for key in ("splits", "high_by", "high_percentile", "bootstrap", "null_model", "null_draws", "correction")
        },
        outcomes=config["outcomes"],
        treatment=config["evaluation"]["treatment"],
        seed=config["seed"],
    message:
        "Table of figure 5"
    script:
        "../../scripts/explanation/summarize_effects.py"


if config["figures"]["reference"]:

    ruleorder: summarize_published_effects > summarize_effects

    rule summarize_published_effects:
        """The published effect sizes as the table of figure 5, under the protocol "reference"; plot_effects draws it."""
        input:
            folder=f"{config['figures']['reference']}/effect_sizes",
            code=code_of("explanation/summarize_published_effects.py"),
        output:
            table="results/{dataset}/reference/tables/effect_summary.csv",
        log:
            "logs/{dataset}/reference/summarize_published_effects.log",
        conda:
            "../../envs/analysis.yaml"
        params:
            outcomes=config["outcomes"],
            bootstrap=config["statistics"]["bootstrap"],
            seed=config["seed"],
        message:
            "Published effect sizes as the table of figure 5"
        script:
            "../../scripts/explanation/summarize_published_effects.py"


rule attribute_predictions:
    """Which frames, channels and regions the predictions of held-out cells rest on, by several methods, and what is lost without them."""
    input:
        **explained_with(),
        embeddings="results/{dataset}/{protocol}/fold-{fold}/embeddings.h5",
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        examples="results/{dataset}/{protocol}/tables/examples.csv",
        model="results/{dataset}/{protocol}/fold-{fold}/model",
        code=code_of("explanation/attribute_predictions.py"),
    output:
        attributions="results/{dataset}/{protocol}/fold-{fold}/attributions.parquet",
        attributed="results/{dataset}/{protocol}/fold-{fold}/attributed.parquet",
        deletions="results/{dataset}/{protocol}/fold-{fold}/deletions.parquet",
    log:
        "logs/{dataset}/{protocol}/fold-{fold}/attribute_predictions.log",
    benchmark:
        "results/{dataset}/{protocol}/benchmarks/fold-{fold}/attribute_predictions.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        gpu=0 if config["training"]["accelerator"] == "cpu" else 1,
        mem_mb=growing(8000),
        runtime=growing(480),
    params:
        accelerator=config["training"]["accelerator"],
        occlusion_window=config["attention"]["occlusion_window"] or "auto",
        treatment=config["evaluation"]["treatment"],
        horizon_hours=max(config["risks"]["horizons_hours"]),
        risks=params_of_risks(),
        settings=dict(
            methods=TARGETS.methods,
            **{key: config["explanation"][key] for key in ("cells_per_outcome", "gradient_steps")},
            radius=config["segmentation"]["diameter"] / 2,
            region=config["features"]["region"],
            min_area=config["features"]["min_area"],
            seed=config["seed"],
            **{key: config["embedding"][key] for key in ("batch_size", "precision", "channels_last")},
        ),
    message:
        "What the predictions of fold {wildcards.fold} rest on"
    script:
        "../../scripts/explanation/attribute_predictions.py"


rule score_attributions:
    """How faithful each method of explanation is: what predictions lose without the frames that it names, against the last frames."""
    input:
        attributed=expand("results/{{dataset}}/{{protocol}}/fold-{fold}/attributed.parquet", fold=FOLDS),
        deletions=expand("results/{{dataset}}/{{protocol}}/fold-{fold}/deletions.parquet", fold=FOLDS),
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        code=code_of("explanation/score_attributions.py"),
    output:
        table=report(
            "results/{dataset}/{protocol}/tables/attribution_scores.csv",
            category="3 Tables",
            caption="../report/attribution_scores.rst",
        ),
        curves="results/{dataset}/{protocol}/tables/attribution_curves.csv",
    log:
        "logs/{dataset}/{protocol}/score_attributions.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        unit=config["split"]["unit"],
    message:
        "How faithful the explanations are"
    script:
        "../../scripts/explanation/score_attributions.py"


rule contrast_features:
    """Compare each feature between the outcomes at the same time before the end, within recordings, and average its traces."""
    input:
        attention=ALL_ATTENTION,
        predictions=ALL_PREDICTIONS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        features=ALL_FEATURES,
        code=code_of("explanation/contrast_features.py"),
    output:
        contrasts=report("results/{dataset}/{protocol}/tables/contrasts.csv", category="3 Tables", caption="../report/contrasts.rst"),
        traces="results/{dataset}/{protocol}/tables/traces.csv",
    log:
        "logs/{dataset}/{protocol}/contrast_features.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        **{key: config["statistics"][key] for key in ("splits", "windows", "null_draws", "correction")},
        outcomes=config["outcomes"],
        treatment=config["evaluation"]["treatment"],
        seed=config["seed"],
    message:
        "Features at the same time before the end"
    script:
        "../../scripts/explanation/contrast_features.py"


rule describe_features:
    """What is shown of each feature, and what is not, in a sentence."""
    input:
        contrasts="results/{dataset}/{protocol}/tables/contrasts.csv",
        effects="results/{dataset}/{protocol}/tables/effect_summary.csv",
        code=code_of("explanation/describe_features.py"),
    output:
        table=report("results/{dataset}/{protocol}/tables/findings.csv", category="3 Tables", caption="../report/findings.rst"),
    log:
        "logs/{dataset}/{protocol}/describe_features.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        high_by=config["statistics"]["high_by"],
    message:
        "What is shown of each feature"
    script:
        "../../scripts/explanation/describe_features.py"


rule tabulate_explained_cells:
    """All that the figure of single cells shows, and in words what gave each of them away."""
    input:
        examples="results/{dataset}/{protocol}/tables/examples.csv",
        attributions=expand("results/{{dataset}}/{{protocol}}/fold-{fold}/attributions.parquet", fold=FOLDS),
        scores="results/{dataset}/{protocol}/tables/attribution_scores.csv",
        metrics="results/{dataset}/{protocol}/tables/test_metrics.csv",
        prefixes=ALL_PREFIXES,
        features=ALL_FEATURES,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        code=code_of("explanation/tabulate_explained_cells.py"),
    output:
        table="results/{dataset}/{protocol}/tables/explained_cells.csv",
        said=report("results/{dataset}/{protocol}/tables/given_away.csv", category="3 Tables", caption="../report/given_away.rst"),
    log:
        "logs/{dataset}/{protocol}/tabulate_explained_cells.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        shown=config["explanation"]["shown"],
        occlusion_window=config["attention"]["occlusion_window"] or "auto",
        treatment=config["evaluation"]["treatment"],
    message:
        "What gave single cells away"
    script:
        "../../scripts/explanation/tabulate_explained_cells.py"


rule select_examples:
    """Choose trajectories and frames for figure 6, with their crops."""
    input:
        crops=ALL_CROPS,
        attention=ALL_ATTENTION,
        predictions=ALL_PREDICTIONS,
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        code=code_of("explanation/select_examples.py"),
    output:
        table="results/{dataset}/{protocol}/tables/examples.csv",
        crops="results/{dataset}/{protocol}/tables/examples.h5",
    log:
        "logs/{dataset}/{protocol}/select_examples.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        treatment=config["evaluation"]["treatment"],
        splits=config["attention"]["splits"],
        per_outcome=config["figures"]["example_trajectories"],
        high_percentile=config["statistics"]["high_percentile"],
        min_frames=config["statistics"]["min_frames"],
    message:
        "Choosing cells for figure 6"
    script:
        "../../scripts/explanation/select_examples.py"
