"""Random embeddings of the trajectories of a fold, a small network for them, and the tables that say what they are."""

import numpy as np
import pandas as pd
import torch

from cellfate.model.network import FateModel, ModelSettings

SETTINGS = ModelSettings(
    channels=2,
    block="basic",
    layers=(1, 1),
    width=8,
    input_size=16,
    encoder_layers=2,
    encoder_heads=2,
    feedforward=16,
    dropout=0.0,
    positions="end",
    pad_through_backbone=False,
)


def random_model() -> FateModel:
    """A model whose logits differ from trajectory to trajectory."""
    torch.manual_seed(0)
    model = FateModel(SETTINGS)
    with torch.no_grad():
        model.class_token.normal_()
        model.output.weight.normal_(0, 2)
    return model.eval()


class Embeddings:
    """Stands in for the embeddings file: {trajectory: number of frames}, the first of them frame 3."""

    def __init__(self, lengths: dict[str, int], seed: int = 0):
        rng = np.random.default_rng(seed)
        self.trajectories = list(lengths)
        self._rows = {name: rng.normal(size=(n, SETTINGS.features)).astype("float32") for name, n in lengths.items()}

    def read(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        return np.arange(len(self._rows[name])) + 3, self._rows[name]


def one_by_one(model: FateModel, embeddings: np.ndarray) -> tuple[float, np.ndarray]:
    """Logit and attention of one trajectory, by a call of its own."""
    with torch.inference_mode():
        logit, attention = model.classify(torch.as_tensor(embeddings)[None], torch.tensor([len(embeddings)]))
    return float(logit[0]), attention[0].numpy()


def fold_tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Trajectories and split: of 40, 15 train, 10 validate, 13 test and 2 have no label; r3 has no treatment. Fold 1 trains on all."""
    rng = np.random.default_rng(5)
    names = [f"r{i % 4}/{i}" for i in range(40)]
    trajectories = pd.DataFrame({"trajectory": names, "label": (rng.random(40) < 0.6).astype(int)})
    trajectories["recording"] = trajectories["trajectory"].str.split("/").str[0]
    trajectories["lineage"] = trajectories["trajectory"]
    trajectories["treatment"] = np.where(trajectories["recording"] == "r3", "none", "cisplatin")
    trajectories["label"] = trajectories["label"].astype("Int64").mask(trajectories.index >= 38)
    split = pd.DataFrame(
        {"trajectory": names, "fold": 0, "split": ["train"] * 15 + ["validation"] * 10 + ["test"] * 13 + ["unlabelled"] * 2}
    )
    return trajectories, pd.concat([split, split.assign(fold=1, split="train")], ignore_index=True)
