# Needs: tables and figures. Leaves: the summary page.


rule write_summary:
    """The summary page: headline numbers, selection, figures in the paper's order, what was not measured."""
    input:
        **tables_of_risks(),
        **single_cells(),
        **score_by_confidence(),
        **scores_of_explanations(),
        metrics="results/{dataset}/{protocol}/tables/test_metrics.csv",
        truncation="results/{dataset}/{protocol}/tables/truncation.csv",
        last_k="results/{dataset}/{protocol}/tables/last_k.csv",
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        flow="results/{dataset}/{protocol}/tables/flow.csv",
        design_lines="results/{dataset}/{protocol}/tables/design_lines.csv",
        design_scores="results/{dataset}/{protocol}/tables/design_scores.csv",
        baselines="results/{dataset}/{protocol}/tables/baselines.csv",
        split_audit="results/{dataset}/{protocol}/tables/split_audit.csv",
        shift="results/{dataset}/{protocol}/tables/shift.csv",
        recording_spread="results/{dataset}/{protocol}/tables/recording_spread.csv",
        calibration="results/{dataset}/{protocol}/tables/calibration.csv",
        known="results/{dataset}/{protocol}/tables/known_from.csv",
        sets="results/{dataset}/{protocol}/tables/sets.csv",
        ablations="results/{dataset}/{protocol}/tables/ablations.csv",
        coverage="results/{dataset}/{protocol}/tables/segmentation_coverage.csv",
        effects="results/{dataset}/{protocol}/tables/effect_summary.csv",
        findings="results/{dataset}/{protocol}/tables/findings.csv",
        comparison_steps="results/{dataset}/{protocol}/tables/comparison_steps.csv",
        figures=expand("results/{{dataset}}/{{protocol}}/figures/{name}.png", name=TARGETS.shown),
        edited=list(BY_HAND.edited.values()),
        captions=[of_workflow(f"workflow/report/{name}.rst") for name in TARGETS.shown],
        code=code_of("report/write_summary.py"),
    output:
        page=report("results/{dataset}/{protocol}/summary.html", category="1 Summary", caption="../report/summary.rst"),
        configuration="results/{dataset}/{protocol}/configuration.json",
    log:
        "logs/{dataset}/{protocol}/write_summary.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        outcomes=config["outcomes"],
        settings={
            f"{section}.{key}": config[section][key]
            for section, keys in {
                "evaluation": ("truncation", "last_k", "treatment", "ablations"),
                "attention": ("occlusion_window",),
                "explanation": ("methods",),
                "statistics": ("min_frames", "high_percentile"),
            }.items()
            for key in keys
        },
        treatment=config["evaluation"]["treatment"],
        min_confidence=config["tracks"]["min_confidence"],
        corrections=lambda wildcards: as_text(all_rows(BY_HAND.corrections)),
        labels=lambda wildcards: as_text(all_rows(BY_HAND.labels)),
        notes=lambda wildcards: as_text([*config.get("notes", []), *filter(None, [TARGETS.caveat])]),
        config_digest=config_digest(config),
        settings_digest=digest_without_corrections(config),
        configuration=lambda wildcards: as_text(config),
    message:
        "Summary page"
    script:
        "../../scripts/report/write_summary.py"
