# Needs: a trained model, own or copied from elsewhere, and the frames and checked tracks of a recording; no fates.
# Leaves: the model as one folder, and for each recording the probability and the risk of each fate, per track and frame.

PREDICTION_MODEL = str(Path(config["prediction"]["model"] or OWN_MODEL))


rule export_model:
    """Put the models of all folds, their calibrations and a card into one folder that can be copied."""
    input:
        **risks_to_export(),
        models=expand("results/{{dataset}}/{{protocol}}/fold-{fold}/model", fold=FOLDS),
        calibrations=expand("results/{{dataset}}/{{protocol}}/fold-{fold}/calibration.json", fold=FOLDS),
        crops=ALL_CROPS,
        sheet=RECORDINGS_SHEET,
        training="results/{dataset}/{protocol}/training_data.json",
        trajectories="results/{dataset}/{protocol}/trajectories.parquet",
        split="results/{dataset}/{protocol}/split.parquet",
        metrics="results/{dataset}/{protocol}/tables/test_metrics.csv",
        reliability="results/{dataset}/{protocol}/tables/calibration.csv",
        baselines="results/{dataset}/{protocol}/tables/baselines.csv",
        sets="results/{dataset}/{protocol}/sets.json",
        code=code_of("model/export_model.py"),
    output:
        model=directory("results/{dataset}/{protocol}/model"),
    log:
        "logs/{dataset}/{protocol}/export_model.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        embedding=config["embedding"],
        min_frames=MIN_FRAMES,
        risks={
            "rings": config["rings"],
            "longer_than": config["crops"]["min_frames"],
            "outlines": outlines_of(config),
            "horizons_hours": config["risks"]["horizons_hours"],
        },
        config_digest=model_digest(config),
        repository=os.path.relpath(ROOT),
    message:
        "Exporting the model"
    script:
        "../../scripts/model/export_model.py"


rule embed_recording:
    """Run the model's backbones once over each frame of every track of a recording, and compare it with the training recordings."""
    input:
        images=images_of,
        tracks="results/{dataset}/tracks/{recording}.parquet",
        model=PREDICTION_MODEL,
        code=code_of("prediction/embed_recording.py"),
        reader=frames_reader,
    output:
        embeddings="results/{dataset}/predictions/{recording}.embeddings.h5",
        shift="results/{dataset}/predictions/{recording}.shift.csv",
    log:
        "logs/{dataset}/embed_recording/{recording}.log",
    benchmark:
        "results/{dataset}/benchmarks/embed_recording/{recording}.tsv"
    conda:
        "../../envs/learning.yaml"
    threads: 1
    resources:
        gpu=0 if config["training"]["accelerator"] == "cpu" else 1,
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        frames=frames_of,
        images=images_known,
        frame_interval_min=of_recording("frame_interval_min"),
        pixel_size_um=of_recording("pixel_size_um"),
        min_frames=config["prediction"]["min_frames"],
        allow_other_interval=config["prediction"]["allow_other_interval"],
        accelerator=config["training"]["accelerator"],
    message:
        "Embedding the frames of {wildcards.recording}"
    script:
        "../../scripts/prediction/embed_recording.py"


rule predict_recording:
    """Predict each track at each frame from the frames up to it."""
    input:
        embeddings="results/{dataset}/predictions/{recording}.embeddings.h5",
        tracks="results/{dataset}/tracks/{recording}.parquet",
        model=PREDICTION_MODEL,
        code=code_of("prediction/predict_recording.py"),
    output:
        parquet="results/{dataset}/predictions/{recording}.parquet",
        csv="results/{dataset}/predictions/{recording}.csv",
    log:
        "logs/{dataset}/predict_recording/{recording}.log",
    benchmark:
        "results/{dataset}/benchmarks/predict_recording/{recording}.tsv"
    conda:
        "../../envs/learning.yaml"
    threads: 1
    resources:
        gpu=0 if config["training"]["accelerator"] == "cpu" else 1,
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        frame_interval_min=of_recording("frame_interval_min"),
        min_frames=config["prediction"]["min_frames"],
        every=config["prediction"]["every"],
        accelerator=config["training"]["accelerator"],
    message:
        "Predicting the tracks of {wildcards.recording}"
    script:
        "../../scripts/prediction/predict_recording.py"


rule predict_risks:
    """Predict how likely each outcome is within so many hours, for each track at each frame; what the model can say of it."""
    input:
        **inputs_of_new_risks(),
        images=images_of,
        tracks="results/{dataset}/tracks/{recording}.parquet",
        model=PREDICTION_MODEL,
        code=code_of("prediction/predict_risks.py"),
        reader=frames_reader,
    output:
        fates="results/{dataset}/predictions/{recording}.fates.parquet",
    log:
        "logs/{dataset}/predict_risks/{recording}.log",
    benchmark:
        "results/{dataset}/benchmarks/predict_risks/{recording}.tsv"
    conda:
        "../../envs/learning.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        frames=frames_of,
        images=images_known,
        recording=facts_of_recording,
        allow_other_interval=config["prediction"]["allow_other_interval"],
    message:
        "Predicting the risks of {wildcards.recording} over time"
    script:
        "../../scripts/prediction/predict_risks.py"


rule write_viewer_images:
    """Write the frames as arrays that viewers open beside the tracks, with the outlines of cells that were tracked here."""
    input:
        unpack(outlines_for_viewers),
        images=images_of,
        code=code_of("prediction/write_viewer_images.py"),
        reader=frames_reader,
    output:
        images=directory("results/{dataset}/predictions/{recording}.images.zarr"),
    log:
        "logs/{dataset}/write_viewer_images/{recording}.log",
    group:
        "predictions"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        frames=frames_of,
        images=images_known,
        frame_interval_min=of_recording("frame_interval_min"),
        pixel_size_um=of_recording("pixel_size_um"),
    message:
        "Frames of {wildcards.recording} for viewers"
    script:
        "../../scripts/prediction/write_viewer_images.py"


rule export_predictions:
    """Write the tracks with their predictions for viewers: a GEFF graph and napari's tracks."""
    input:
        **predictions_by_network(),
        **images_for_viewers(),
        fates="results/{dataset}/predictions/{recording}.fates.parquet",
        tracks="results/{dataset}/tracks/{recording}.parquet",
        model=PREDICTION_MODEL,
        code=code_of("prediction/export_predictions.py"),
    output:
        geff=directory("results/{dataset}/predictions/{recording}.geff"),
        napari="results/{dataset}/predictions/{recording}.napari.csv",
    log:
        "logs/{dataset}/export_predictions/{recording}.log",
    group:
        "predictions"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        frame_interval_min=of_recording("frame_interval_min"),
        pixel_size_um=of_recording("pixel_size_um"),
    message:
        "Tracks of {wildcards.recording} for viewers"
    script:
        "../../scripts/prediction/export_predictions.py"


rule plot_predictions:
    """Draw the tracks by their last probability, and each track's probability over time."""
    input:
        predictions="results/{dataset}/predictions/{recording}.parquet",
        tracks="results/{dataset}/tracks/{recording}.parquet",
        images=images_of,
        model=PREDICTION_MODEL,
        code=code_of("figures/plot_predictions.py"),
        reader=frames_reader,
    output:
        pdf="results/{dataset}/predictions/{recording}.pdf",
        png="results/{dataset}/predictions/{recording}.png",
    log:
        "logs/{dataset}/plot_predictions/{recording}.log",
    group:
        "predictions"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        frames=frames_of,
        images=images_known,
        frame_interval_min=of_recording("frame_interval_min"),
    message:
        "Picture of the predictions of {wildcards.recording}"
    script:
        "../../scripts/figures/plot_predictions.py"
