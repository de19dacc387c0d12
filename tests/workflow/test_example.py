"""The real example to its last figure, with a short training; runs where the recording is at hand."""

import pandas as pd
import pytest

QUICK = {
    "split": {"folds": 3},
    "segmentation": {"training": {"n_fields": 6, "n_sparse": 2, "n_empty": 1, "n_checked": 1, "n_steps": 60}},
    "training": {"max_epochs": 2},
    "evaluation": {"truncation": [0, 10], "last_k": [10], "bootstrap": 50},
    "statistics": {"resamples": 200, "bootstrap": 50, "null_draws": 100},
}


@pytest.mark.whole
@pytest.mark.reference
def test_the_real_example_runs_to_its_last_figure(fresh, shared_folder):
    frames = shared_folder / "data/cellphe_mdamb231_docetaxel/images_every5th"
    fresh.write_config("quick.yaml", QUICK | {"source": {"local": str(frames)}})
    fresh.snakemake(overlays=("examples/cellphe/config.yaml", "quick.yaml"))
    folder = fresh.folder / "results/cellphe/corrected"
    for name in ("figure_2", "figure_3", "figure_4", "figure_5", "figure_6", "training_curves", "calibration"):
        assert (folder / f"figures/{name}.pdf").read_bytes().startswith(b"%PDF")
    page = (folder / "summary.html").read_text()
    assert "the numbers mean little" in page
    assert "no event by end" in page.lower()
    predictions = pd.concat(pd.read_parquet(path) for path in folder.glob("fold-*/predictions.parquet"))
    held_out = predictions[(predictions["split"] == "test") & (predictions["condition"] == "full")]
    assert held_out["trajectory"].is_unique
    assert held_out["label"].value_counts().to_dict() == {0: 20, 1: 11}
