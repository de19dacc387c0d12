# Needs: predictions of held-out cells, and crops. Leaves: a page of single cells.


rule write_explorer:
    """A page that shows each held-out cell: its film, what was predicted when and on what that rests, its lineage, its surroundings."""
    input:
        **fates_of_held_out(),
        **cells_of_figures(),
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        prefixes=ALL_PREFIXES,
        baselines="results/{dataset}/{protocol}/baselines.parquet",
        attention=ALL_ATTENTION,
        outcomes=expand("results/{{dataset}}/tracks/{recording}.outcomes.parquet", recording=RECORDINGS),
        features=ALL_FEATURES,
        crops=ALL_CROPS,
        code=code_of("explorer/write_explorer.py"),
    output:
        page="results/{dataset}/{protocol}/explorer.html",
        errors="results/{dataset}/{protocol}/tables/worst_errors.json",
    log:
        "logs/{dataset}/{protocol}/write_explorer.log",
    benchmark:
        "results/{dataset}/{protocol}/benchmarks/write_explorer.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        outcomes=config["outcomes"],
        unit=config["split"]["unit"],
        set_level=config["evaluation"]["set_level"],
        sheet=times_of_recordings(),
        settings={key: config["explorer"][key] for key in ("max_cells", "fields", "image_size", "quality")},
        seed=config["seed"],
        corrections=lambda wildcards: as_text(None if READY_MADE else all_rows(CORRECTIONS)),
        notes=lambda wildcards: as_text([*config.get("notes", []), *filter(None, [TARGETS.caveat])]),
    message:
        "Page of single cells"
    script:
        "../../scripts/explorer/write_explorer.py"
