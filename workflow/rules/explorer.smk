# Needs: predictions of held-out cells, and crops; for the label page tracks and crops alone. Leaves: pages of single cells.


rule write_explorer:
    """A page that shows each held-out cell: its film, what was predicted when and on what that rests, its lineage, its surroundings."""
    input:
        **fates_of_held_out(),
        **cells_of_figures(),
        **confidence_of_tracks(),
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
        corrections=lambda wildcards: as_text(None if READY_MADE else all_rows(BY_HAND.corrections)),
        notes=lambda wildcards: as_text([*config.get("notes", []), *filter(None, [TARGETS.caveat])]),
    message:
        "Page of single cells"
    script:
        "../../scripts/explorer/write_explorer.py"


rule write_predicted_explorer:
    """A page that shows single cells of new recordings: film, what is predicted when, lineage, surroundings. Their crops are not kept."""
    input:
        unpack(tables_of_predicted),
        images=lambda wildcards: [images_of(SimpleNamespace(recording=name)) for name in RECORDINGS],
        model=PREDICTION_MODEL,
        code=code_of("explorer/write_predicted_explorer.py"),
        reader=lambda wildcards: readers_of(list(sheet_values("images").values())),
    output:
        page="results/{dataset}/predictions/explorer.html",
    log:
        "logs/{dataset}/write_predicted_explorer.log",
    benchmark:
        "results/{dataset}/benchmarks/write_predicted_explorer.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        recordings=lambda wildcards: {name: facts_of_predicted(name) for name in RECORDINGS},
        treatments=lambda wildcards: as_text(sheet_values("treatment")),
        settings={key: config["explorer"][key] for key in ("max_cells", "fields", "image_size", "quality")},
        seed=config["seed"],
        corrections=lambda wildcards: as_text(None if UNTRACKED else all_rows(BY_HAND.corrections)),
        notes=lambda wildcards: as_text(list(config.get("notes", []))),
    message:
        "Page of the predicted cells"
    script:
        "../../scripts/explorer/write_predicted_explorer.py"


rule write_label_page:
    """A page on which people say how tracks end: it needs no model."""
    input:
        tracks=expand("results/{{dataset}}/tracks/{recording}.parquet", recording=TRACKED),
        outcomes=expand("results/{{dataset}}/tracks/{recording}.outcomes.parquet", recording=TRACKED),
        crops=expand("results/{{dataset}}/crops/{recording}.h5", recording=TRACKED),
        code=code_of("explorer/write_label_page.py"),
    output:
        page="results/{dataset}/label.html",
    log:
        "logs/{dataset}/write_label_page.log",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        sheet=times_of_recordings(),
        words=label_words(config),
        label={key: config["explorer"]["label"][key] for key in ("tracks", "order")},
        settings={key: config["explorer"][key] for key in ("max_cells", "fields", "image_size", "quality")},
        seed=config["seed"],
        labels=lambda wildcards: as_text(all_rows(BY_HAND.labels)),
        predictions=lambda wildcards: predictions_known(),  # whatever is there: a run's own are no input, which would train a model
    message:
        "Page to label cells on"
    script:
        "../../scripts/explorer/write_label_page.py"
