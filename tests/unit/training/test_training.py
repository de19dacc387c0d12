import json
import os
import pickle
import re
import signal
import subprocess
import sys
from functools import partial

import lightning as L
import pandas as pd
import pytest
import torch
from lightning.pytorch.utilities.exceptions import SIGTERMException
from safetensors.torch import save_file
from torch._dynamo.utils import counters
from torch.nn import functional as F
from toy_crops import AUGMENTATION, MODEL, OUTCOMES, TRAINING, toy_data

from cellfate.base.errors import InputError
from cellfate.crops.crop_set import CropSet
from cellfate.crops.published_scaling import REFERENCE_STD
from cellfate.model.network import FateModel, ModelSettings
from cellfate.model.saved.exported import read_settings
from cellfate.model.saved.folder import load_model
from cellfate.model.saved.published import published_name
from cellfate.model.scaling import Scaling, compute_scaling
from cellfate.training import epochs, module
from cellfate.training import train as training
from cellfate.training.augmentation import AugmentationSettings
from cellfate.training.dataset import Batch, TrajectoryDataset, collate, prepare_batch
from cellfate.training.module import FateTraining, TrainingSettings, balanced_accuracy
from cellfate.training.resume import training_key
from cellfate.training.samplers import BalancedSampler
from cellfate.training.train import choose_accelerator, loader, train
from cellfate.trajectories.folds import fold_trajectories

KILL_IN_EPOCH_3 = """
import os, pickle, signal, sys
from cellfate.training import epochs, module, train as training
step = module.FateTraining.training_step
def deadly(self, batch, batch_idx):
    if self.trainer.current_epoch == 2 and batch_idx == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, batch, batch_idx)
module.FateTraining.training_step = deadly
training.train(**pickle.load(open(sys.argv[1], "rb")))
"""


@pytest.fixture
def arguments(tmp_path):
    paths, trajectories, split = toy_data(tmp_path / "crops", n_recordings=4)
    return {
        "crops": paths,
        "trajectories": trajectories,
        "split": split,
        "scaling": compute_scaling(paths, trajectories, split, 0, "corrected", scaling_frames=5),
        "folder": tmp_path / "model",
        "fold": 0,
        "seed": 1,
        "outcomes": OUTCOMES,
        "model": MODEL,
        "training": TRAINING,
        "augmentation": AUGMENTATION,
        "resume": tmp_path / "resume",
        "checkpoint": None,
        "threads": 1,
    }


def logits_of(folder, arguments, parts=("validation", "test")):
    """Logits and labels of the trajectories that were not trained on."""
    model, settings = load_model(folder)
    rows = fold_trajectories(arguments["trajectories"], arguments["split"], 0, list(parts))
    dataset = TrajectoryDataset(
        rows, CropSet(arguments["crops"]), Scaling(**settings["scaling"]), model.settings.input_size, seed=0, cache=False
    )
    batch = collate([dataset[i] for i in range(len(dataset))])
    with torch.no_grad():
        return model(batch.frames, batch.lengths)[0], batch.labels


def curves_of(folder):
    return pd.read_csv(folder / "curves.csv").drop(columns="seconds")


def test_it_learns_and_writes_a_model_folder(arguments, capfd):
    train(**{**arguments, "training": {**TRAINING, "max_epochs": 15}})
    logits, labels = logits_of(arguments["folder"], arguments)
    assert balanced_accuracy(logits, labels) > 0.8
    assert sorted(p.name for p in arguments["folder"].iterdir()) == ["curves.csv", "settings.json", "weights.safetensors"]
    settings = json.loads((arguments["folder"] / "settings.json").read_text())
    assert (settings["channels"], settings["crop_size"], settings["outcomes"]) == (["circadian", "p53", "cell_cycle"], 16, OUTCOMES)
    curves = pd.read_csv(arguments["folder"] / "curves.csv")
    assert list(curves) == ["epoch", "train_loss", "val_loss", "val_balanced_accuracy", "learning_rate", "seconds"]
    assert curves["epoch"].tolist() == list(range(1, 16))
    assert sorted(p.name for p in arguments["folder"].parent.iterdir()) == [".last-model", "crops", "model"], "no resume folder stays"
    out, err = capfd.readouterr()
    assert out == ""
    rest = r"/15, train loss [\d.]+, validation loss [\d.]+, balanced accuracy .* s/epoch, at most \d+ s left$"
    assert re.findall(rf"^train_model fold 0: epoch (\d+){rest}", err, re.MULTILINE) == [str(epoch) for epoch in range(1, 16)]


def test_one_seed_gives_identical_predictions_and_another_does_not(arguments, tmp_path):
    for name, seed, cache in (("a", 1, True), ("b", 1, False), ("c", 2, True)):
        torch.rand(3)
        settings = {**TRAINING, "max_epochs": 2, "cache": cache}
        train(**{**arguments, "seed": seed, "training": settings, "folder": tmp_path / name})
    assert torch.equal(logits_of(tmp_path / "a", arguments)[0], logits_of(tmp_path / "b", arguments)[0])
    assert not torch.equal(logits_of(tmp_path / "a", arguments)[0], logits_of(tmp_path / "c", arguments)[0])


def test_exchanged_labels_are_those_of_training_and_validation_alone(arguments, monkeypatch):
    """The parts keep as many of either outcome, held-out cells their own, and the model folder says what it is."""
    seen = {}
    monkeypatch.setattr(training, "_fit", lambda rows, *_: seen.update(rows=rows))
    tables = arguments["trajectories"].copy(), arguments["split"].copy()
    found = []
    for seed, shuffle in ((1, False), (1, True), (1, True), (2, True)):
        train(**{**arguments, "seed": seed, "training": {**TRAINING, "shuffle_labels": shuffle}})
        found.append(seen["rows"].set_index("trajectory")[["split", "label"]])
    own, first, again, other = found
    assert set(own["split"]) == {"train", "validation"}
    assert own["label"].equals(tables[0].set_index("trajectory")["label"].loc[own.index].astype(own["label"].dtype))
    assert first.groupby("split")["label"].sum().tolist() == own.groupby("split")["label"].sum().tolist()
    changed = (first["label"] != own["label"]) | (other["label"] != own["label"])
    assert changed.groupby(own["split"]).any().all()
    assert first["label"].tolist() == again["label"].tolist() != other["label"].tolist()
    assert arguments["trajectories"].equals(tables[0]), "the labels that are tested on"
    assert arguments["split"].equals(tables[1])


def test_a_model_of_exchanged_labels_says_so_and_predicts_nothing(arguments, tmp_path):
    train(**{**arguments, "training": {**TRAINING, "max_epochs": 1, "shuffle_labels": True}})
    assert json.loads((arguments["folder"] / "settings.json").read_text())["training"]["shuffle_labels"] is True
    (arguments["folder"] / "calibration.json").write_text("{}")
    with pytest.raises(InputError, match=r"a control that learned from outcomes exchanged at random \(training.shuffle_labels\)"):
        read_settings(arguments["folder"])


def test_killed_in_epoch_3_it_continues_there_to_the_same_end(arguments, tmp_path, capfd):
    arguments["model"] = {**MODEL, "dropout": 0.3}
    arguments["training"] = {**TRAINING, "max_epochs": 5}
    (tmp_path / "arguments").write_bytes(pickle.dumps(arguments))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", KILL_IN_EPOCH_3, str(tmp_path / "arguments")]
    killed = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not arguments["folder"].exists()
    capfd.readouterr()
    train(**arguments)
    err = capfd.readouterr().err
    assert "train_model fold 0: continues after epoch 2 of 5\n" in err
    assert re.findall(r"epoch (\d)/5, train loss", err) == ["3", "4", "5"]
    train(**{**arguments, "folder": tmp_path / "straight", "resume": tmp_path / "other"})
    pd.testing.assert_frame_equal(curves_of(arguments["folder"]), curves_of(tmp_path / "straight"), check_exact=True)
    assert torch.equal(logits_of(arguments["folder"], arguments)[0], logits_of(tmp_path / "straight", arguments)[0])
    assert not (tmp_path / "resume").exists()


def test_the_plateau_scheduler_and_patience_are_resumed_too(arguments, tmp_path, monkeypatch):
    """Interrupted between the bad epochs that a smaller learning rate, and the end, wait for."""
    monkeypatch.setattr(epochs, "ReduceLROnPlateau", partial(epochs.ReduceLROnPlateau, patience=1))
    script_metrics(monkeypatch, [(0.5, 1.0), (0.5, 1.1), (0.5, 1.2), (0.5, 1.3), (0.5, 1.4), (0.5, 1.5), (0.5, 1.6)])
    arguments["training"] = {**TRAINING, "max_epochs": 9, "patience": 6}
    train(**{**arguments, "folder": tmp_path / "straight"})
    assert curves_of(tmp_path / "straight")["learning_rate"].tolist() == pytest.approx([1e-3] * 3 + [1e-4] * 2 + [1e-5] * 2)
    save = training.ResumeFolder.save

    def save_and_fail(self, state):
        save(self, state)
        if state["epoch"] == 2:
            raise RuntimeError("pulled the plug")

    with monkeypatch.context() as patch:
        patch.setattr(training.ResumeFolder, "save", save_and_fail)
        with pytest.raises(RuntimeError, match="plug"):
            train(**arguments)
    train(**arguments)
    pd.testing.assert_frame_equal(curves_of(arguments["folder"]), curves_of(tmp_path / "straight"), check_exact=True)


def fail(*_):
    raise OSError("disk full")


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def change_a_number(path):
    """One bit in the middle, which is in the weights: neither torch nor safetensors notices."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 64
    path.write_bytes(content)


DAMAGES = {
    "cut": cut,
    "a number changed": change_a_number,
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text('{"epoch": 2}'),
    "of another program": lambda path: path.write_bytes(pickle.dumps({"epoch": 2})),
    "gone": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("file", ["state.pt", "best-*.safetensors"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_named_and_the_training_starts_anew(arguments, tmp_path, monkeypatch, capfd, file, damage):
    arguments["training"] = {**TRAINING, "max_epochs": 2}
    train(**{**arguments, "folder": tmp_path / "straight", "resume": tmp_path / "other"})
    with monkeypatch.context() as patch:
        patch.setattr(training, "save_model", fail)
        with pytest.raises(OSError, match="disk full"):
            train(**arguments)
    (damaged,) = arguments["resume"].glob(f"*/{file}")
    DAMAGES[damage](damaged)
    capfd.readouterr()
    train(**arguments)
    err = capfd.readouterr().err
    assert re.findall(r"epoch (\d)/2, train loss", err) == ["1", "2"]
    told = [line for line in err.splitlines() if line.startswith(f"WARNING: {damaged}: ")]
    anew = "The training cannot go on from this state and starts anew"
    assert [line[-len(anew) :] for line in told] == ([] if (file, damage) == ("state.pt", "gone") else [anew])  # gone: as a clean start
    assert torch.equal(logits_of(arguments["folder"], arguments)[0], logits_of(tmp_path / "straight", arguments)[0])
    assert not arguments["resume"].exists()


def script_metrics(monkeypatch, epochs):
    """Let validation report the given (balanced accuracy, loss) in each epoch; returns the weights after each epoch."""
    weights = {}

    def metrics(self):
        self.train_losses, self.validation = [], []
        epoch = self.trainer.callbacks[0].state["epoch"]
        weights[epoch + 1] = {k: v.clone() for k, v in self.model.state_dict().items()}
        return {"train_loss": 1.0, "val_loss": epochs[epoch][1], "val_balanced_accuracy": epochs[epoch][0]}

    monkeypatch.setattr(module.FateTraining, "epoch_metrics", metrics)
    return weights


def test_the_best_epoch_is_kept(arguments, monkeypatch):
    weights = script_metrics(monkeypatch, [(0.5, 0.1), (0.7, 0.9), (0.7, 0.8), (0.7, 0.8), (0.6, 0.01)])
    train(**{**arguments, "training": {**TRAINING, "max_epochs": 5}})
    model, settings = load_model(arguments["folder"])
    assert settings["best"] == {"epoch": 3, "val_balanced_accuracy": 0.7, "val_loss": 0.8}
    assert all(torch.equal(value, weights[3][key]) for key, value in model.state_dict().items())
    assert not torch.equal(weights[3]["output.weight"], weights[4]["output.weight"])


def test_it_stops_early_without_a_better_validation_loss(arguments, monkeypatch, capfd):
    script_metrics(monkeypatch, [(0.5, 1.0), (0.5, 0.9), (0.9, 0.95), (0.9, 0.9), (0.9, 0.1)])
    train(**{**arguments, "training": {**TRAINING, "max_epochs": 5, "patience": 2}})
    assert curves_of(arguments["folder"])["epoch"].tolist() == [1, 2, 3, 4]
    assert capfd.readouterr().err.splitlines()[-1].endswith("stops early")


def test_a_finished_training_whose_folder_was_lost_is_not_repeated(arguments, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(training, "save_model", fail)
        with pytest.raises(OSError, match="disk full"):
            train(**arguments)
    assert not arguments["folder"].exists()
    monkeypatch.setattr(module.FateTraining, "training_step", fail)
    train(**arguments)
    assert curves_of(arguments["folder"])["epoch"].tolist() == [1, 2, 3, 4]


def test_curves_hold_the_losses_of_the_kept_model(arguments):
    train(**arguments)
    settings = json.loads((arguments["folder"] / "settings.json").read_text())
    logits, labels = logits_of(arguments["folder"], arguments, ["validation"])
    loss = -(labels * torch.sigmoid(logits).log() + (1 - labels) * torch.sigmoid(-logits).log()).mean()
    assert settings["best"]["val_loss"] == pytest.approx(loss.item(), rel=1e-4)
    assert settings["best"]["val_balanced_accuracy"] == pytest.approx(balanced_accuracy(logits, labels))


def test_padded_frames_change_the_training(arguments, tmp_path):
    for name, through in (("real", False), ("padded", True)):
        train(**{**arguments, "folder": tmp_path / name, "model": {**MODEL, "pad_through_backbone": through}})
    assert not torch.equal(logits_of(tmp_path / "real", arguments)[0], logits_of(tmp_path / "padded", arguments)[0])


def test_resume_key_notices_settings_data_and_code(arguments, tmp_path):
    rows = fold_trajectories(arguments["trajectories"], arguments["split"], 0, ["train", "validation"])
    files = [tmp_path / "crops/r2.h5"]
    code = tmp_path / "model.py"
    code.write_text("a = 1")

    def key(settings=None, rows=rows):
        return training_key(settings or {"seed": 1}, rows, files, [code])

    keys = [key(), key({"seed": 2}), key(rows=rows.assign(last_frame=rows["last_frame"] - 1)), key(rows=rows[1:])]
    code.write_text("a = 2")
    keys.append(key())
    os.utime(files[0], ns=(1, 1))
    keys.append(key())
    assert len(set(keys)) == len(keys)
    assert key() == key()


def test_balanced_accuracy_by_hand():
    logits, labels = torch.tensor([2.0, -1.0, 0.5, 3.0, -0.1]), torch.tensor([1.0, 1.0, 0.0, 1.0, 0.0])
    assert balanced_accuracy(logits, labels) == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_a_gpu_that_is_not_there_is_an_error_in_words(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="accelerator is gpu, but this job sees no GPU"):
        choose_accelerator("gpu", 1)
    with pytest.raises(InputError, match="devices is 2, but this job sees 0 GPUs"):
        choose_accelerator("auto", 2)
    assert [choose_accelerator("auto", 1), choose_accelerator("cpu", 1)] == ["cpu", "cpu"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [choose_accelerator("auto", 2), choose_accelerator("gpu", 1), choose_accelerator("cpu", 1)] == ["gpu", "gpu", "cpu"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"accelerator": "tpu"}, "accelerator is 'tpu'"),
        ({"batch_size": 3, "devices": 2}, "batch_size is 3, a multiple of the 2 devices"),
        ({"learning_rate": 1e30}, r"loss not finite in epoch 1; training.learning_rate is 1e\+30"),
    ],
)
def test_bad_settings_are_named(arguments, changes, message):
    with pytest.raises(InputError, match=message):
        train(**{**arguments, "training": {**TRAINING, **changes}})
    assert not arguments["folder"].exists()


@pytest.mark.parametrize(("part", "recordings"), [("validation", ["r0"]), ("train", ["r2", "r3"])])
def test_a_part_with_one_outcome_is_named(arguments, part, recordings):
    trajectories = arguments["trajectories"]
    trajectories.loc[trajectories["recording"].isin(recordings) & (trajectories["label"] == 0), "usable"] = False
    with pytest.raises(InputError, match=f"the {part} part of fold 0 has 0 apoptosis and {3 * len(recordings)} mitosis"):
        train(**arguments)


def test_a_checkpoint_is_imported_instead_of_trained(arguments, tmp_path, monkeypatch):
    sizes = {**MODEL, "layers": [1, 1, 1, 1], "width": 2, "positions": "start"}
    torch.manual_seed(0)
    published = FateModel(ModelSettings(channels=3, **sizes))
    save_file({published_name(k): v for k, v in published.state_dict().items()}, tmp_path / "published.safetensors")
    monkeypatch.delattr(training, "_fit")
    wanted = {**sizes, "positions": "end"}
    train(**{**arguments, "scaling": None, "model": wanted, "checkpoint": tmp_path / "published.safetensors"})
    model, settings = load_model(arguments["folder"])
    assert settings["model"]["positions"] == "start"  # as the published network was trained, whatever the configuration says
    assert settings["scaling"]["mode"] == "reference"
    assert settings["scaling"]["std"] == list(REFERENCE_STD)
    assert torch.equal(model.output.weight, published.output.weight)
    assert len(pd.read_csv(arguments["folder"] / "curves.csv")) == 0
    assert logits_of(arguments["folder"], arguments)[0].isfinite().all()


def test_a_training_that_is_told_to_end_does_not_look_like_a_success(arguments, monkeypatch):
    def told_to_end(*_, **__):
        raise SIGTERMException

    monkeypatch.setattr(L.Trainer, "fit", told_to_end)
    with pytest.raises(SystemExit) as end:
        train(**arguments)
    assert end.value.code == 143
    assert not arguments["folder"].exists()


TWO_PROCESSES = """
import pickle, sys
from cellfate.training.train import train
train(**pickle.loads(open(sys.argv[1], "rb").read()))
"""


@pytest.mark.whole
def test_one_slurm_task_trains_with_two_processes(arguments, tmp_path):
    """On a CPU, in the surroundings that SLURM gives a single task: Lightning would otherwise expect one task per device."""
    arguments["training"] = {**TRAINING, "max_epochs": 2, "devices": 2}
    (tmp_path / "arguments").write_bytes(pickle.dumps(arguments))
    (tmp_path / "run.py").write_text(TWO_PROCESSES)
    slurm = {"SLURM_NTASKS": "1", "SLURM_JOB_ID": "77", "SLURM_JOB_NAME": "run", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}
    slurm |= {"SLURM_NODEID": "0", "SLURM_NNODES": "1", "SLURM_NODELIST": "node1", "OMP_NUM_THREADS": "1"}
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **slurm}
    command = [sys.executable, str(tmp_path / "run.py"), str(tmp_path / "arguments")]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-4000:]
    assert curves_of(arguments["folder"])["epoch"].tolist() == [1, 2]
    assert done.stderr.count("epoch 2/2, train loss") == 1, "the first process alone prints"


TWO_PROCESSES_ON_RECORD = """
import json, os, pickle, sys
from pathlib import Path
import torch
from cellfate.training import epochs, module, train as training
arguments = pickle.loads(Path(sys.argv[1]).read_bytes())
rank, folder, stop_after = int(os.environ.get("LOCAL_RANK", 0)), Path(sys.argv[2]), int(sys.argv[3])
record = {"train": [], "validated": [], "metrics": []}
step, validation_step, metrics = (getattr(module.FateTraining, n) for n in ("training_step", "validation_step", "epoch_metrics"))
save = training.ResumeFolder.save

def training_step(self, batch, batch_idx):
    record["train"].append([self.trainer.current_epoch, *batch.trajectories])
    return step(self, batch, batch_idx)

def on_validation(self, batch, batch_idx):
    record["validated"] += batch.trajectories
    record["weights"] = {k: v.double().sum().item() for k, v in self.model.state_dict().items()}
    return validation_step(self, batch, batch_idx)

def epoch_metrics(self):
    found = metrics(self)
    record["metrics"].append(found)
    (folder / f"rank-{rank}.json").write_text(json.dumps(record))
    return found

def save_once(self, state):
    with open(folder / "saves", "a") as stream:
        stream.write(f"{rank} {state['epoch']}\\n")
    save(self, state)
    if state["epoch"] == stop_after:
        os._exit(3)

module.FateTraining.training_step = training_step
module.FateTraining.validation_step = on_validation
module.FateTraining.epoch_metrics = epoch_metrics
training.ResumeFolder.save = save_once
training.train(**arguments)
"""


def two_processes(arguments, folder, stop_after=0):
    """Train with two processes on a CPU; what each saw. With ``stop_after`` the first one dies after that epoch."""
    folder.mkdir()
    (folder / "arguments").write_bytes(pickle.dumps(arguments))
    (folder / "run.py").write_text(TWO_PROCESSES_ON_RECORD)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(folder / "run.py"), str(folder / "arguments"), str(folder), str(stop_after)]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=600)
    assert done.returncode == (3 if stop_after else 0), done.stderr[-4000:]
    return [json.loads((folder / f"rank-{rank}.json").read_text()) for rank in (0, 1)], (folder / "saves").read_text().split("\n")[:-1]


@pytest.mark.whole
def test_two_processes_share_draws_and_validation_and_go_on_after_a_kill(arguments, tmp_path):
    """Five validation trajectories, so that the second process validates one of them twice."""
    arguments["trajectories"].loc[arguments["trajectories"]["trajectory"] == "r0/5", "usable"] = False
    arguments["training"] = {**TRAINING, "max_epochs": 3, "devices": 2}
    (first, second), saves = two_processes(arguments, tmp_path / "straight")
    assert saves == ["0 1", "0 2", "0 3"], "the first process alone writes"
    rows = fold_trajectories(arguments["trajectories"], arguments["split"], 0, ["train"])
    sampler = BalancedSampler(rows["label"].to_numpy(int), seed=1)
    for epoch in range(3):
        sampler.set_epoch(epoch)
        drawn = [rows["trajectory"][draw.row] for draw in sampler.draws()]
        shares = [[name for row in own["train"] if row[0] == epoch for name in row[1:]] for own in (first, second)]
        assert shares == [drawn[0::2], drawn[1::2]]
    assert set(first["validated"]) | set(second["validated"]) == {f"r0/{track}" for track in range(5)}
    assert len(first["validated"]) == len(second["validated"]) == 3 * 3
    assert first["weights"] == second["weights"], "both hold the same network, batch statistics included"
    assert first["metrics"] == second["metrics"]
    logits, labels = logits_of(arguments["folder"], arguments, ["validation"])
    best = json.loads((arguments["folder"] / "settings.json").read_text())["best"]
    assert len(labels) == 5
    assert best["val_loss"] == pytest.approx(F.binary_cross_entropy_with_logits(logits, labels).item(), rel=1e-4)
    assert best["val_balanced_accuracy"] == pytest.approx(balanced_accuracy(logits, labels))
    straight = curves_of(arguments["folder"])
    arguments["folder"] = tmp_path / "again"
    two_processes(arguments, tmp_path / "killed", stop_after=2)
    assert not arguments["folder"].exists()
    (again, _), saves = two_processes(arguments, tmp_path / "resumed")
    assert saves == ["0 3"]
    assert len(again["metrics"]) == 1
    pd.testing.assert_frame_equal(curves_of(arguments["folder"]), straight, check_exact=True)


@pytest.mark.parametrize("change", [{"channels_last": True, "fused": True}, {"precision": "bf16-mixed"}])
def test_fast_settings_give_nearly_the_same_training(arguments, tmp_path, change):
    """Repeatable on a CPU; how far it is from the default is rounding, in bf16 of 8 bits."""
    for name, settings in (("plain", {}), ("fast", change), ("again", change)):
        torch.manual_seed(5)
        train(**{**arguments, "folder": tmp_path / name, "training": {**TRAINING, "max_epochs": 2, **settings}})
    plain, fast, again = (logits_of(tmp_path / name, arguments)[0] for name in ("plain", "fast", "again"))
    assert torch.equal(fast, again)
    assert list(load_model(tmp_path / "fast")[0].state_dict()) == list(load_model(tmp_path / "plain")[0].state_dict())
    torch.testing.assert_close(fast, plain, rtol=0, atol=0.1 if "precision" in change else 1e-3)
    if "precision" in change:
        assert not torch.equal(fast, plain)
    losses = [curves_of(tmp_path / name)["train_loss"].to_numpy() for name in ("plain", "fast")]
    assert losses[1] == pytest.approx(losses[0], rel=0.05 if "precision" in change else 1e-3)


@pytest.mark.whole
def test_a_compiled_resnet_is_not_compiled_for_each_number_of_frames(monkeypatch):
    """Traced as for a GPU, computed without generated code, which would take a C++ compiler a minute."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    torch.manual_seed(0)
    network = FateModel(ModelSettings(channels=3, **MODEL)).train()
    frames = torch.randn(40, 3, 16, 16)
    plain = network.embed(frames)
    training = FateTraining(network, TrainingSettings(**{**TRAINING, "compile": True}))
    lengths, labels = torch.tensor([40]), torch.tensor([1.0])

    def embedded(n: int) -> torch.Tensor:
        batch = training.transfer_batch_to_device(Batch(frames[:n].clone(), lengths, labels, ["a"]), torch.device("cpu"), 0)
        return training.model.embed(batch.frames)

    before = counters["stats"]["unique_graphs"]
    torch.testing.assert_close(embedded(40), plain)
    assert [len(embedded(n)) for n in (39, 17, 21)] == [39, 17, 21]
    assert counters["stats"]["unique_graphs"] == before + 1, "once for all numbers of frames; a CPU convolves fewer than 16 otherwise"


def test_what_the_gpu_prepares_is_what_the_cpu_prepares(arguments):
    """The batches that a loader for a GPU gives, prepared here, and the settings that are on there, in one step of training."""
    rows = fold_trajectories(arguments["trajectories"], arguments["split"], 0, ["train"])
    augmentation = AugmentationSettings(**AUGMENTATION)
    options = {"scaling": arguments["scaling"], "input_size": 16, "cache": False}
    dataset = TrajectoryDataset(rows, CropSet(arguments["crops"]), augmentation=augmentation, seed=1, **options)
    sampler = BalancedSampler(rows["label"].to_numpy(int), seed=1)
    here = list(loader(dataset, 4, 0, sampler, on_gpu=False))
    for_gpu = loader(dataset, 4, 0, sampler, on_gpu=True)
    settings = TrainingSettings(**{**TRAINING, "channels_last": True})
    prepare = partial(prepare_batch, scaling=arguments["scaling"], augmentation=augmentation)
    module = FateTraining(FateModel(ModelSettings(channels=3, **MODEL)), settings, prepare)
    for plain, counts in zip(here, for_gpu, strict=True):
        batch = module.transfer_batch_to_device(counts, torch.device("cpu"), 0)
        assert counts.crops[0].dtype == torch.uint16
        assert torch.equal(batch.frames, plain.frames)
        assert batch.frames.is_contiguous(memory_format=torch.channels_last)
        assert batch.lengths.tolist() == plain.lengths.tolist()
        assert batch.labels.tolist() == plain.labels.tolist()
        assert batch.trajectories == plain.trajectories
    module.training_step(batch, 0).backward()
    assert module.model.output.weight.grad.any()
