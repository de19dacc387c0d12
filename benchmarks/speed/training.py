"""Training.

Published: full precision with kernels that give the same bits each time, padded frames through the ResNet. Ours: only real frames; on a GPU
also with `fast.yaml`, added one by one: any kernels, bf16, channels-last memory, fused Adam, a compiled ResNet. Steps of four trajectories,
forward, backward and Adam, with what the GPU prepares (scaling and augmentation; the published way gets it ready-made). Reading is
measured apart (Reading trajectories).
"""

from collections.abc import Callable, Iterator, Sequence
from math import nan

from benchmarks.speed.measure import Point, Row, Settings, Share

STEP = "training"
PLAIN = {"max_epochs": 1, "patience": 1, "batch_size": 4, "learning_rate": 1e-5, "weight_decay": 1e-3, "devices": 1, "accelerator": "auto"}
PLAIN |= {
    "shuffle_labels": False,
    "precision": "32-true",
    "deterministic": True,
    "channels_last": False,
    "fused": False,
    "compile": False,
    "cache": False,
}
BF16 = {"deterministic": False, "precision": "bf16-mixed"}
FUSED = BF16 | {"channels_last": True, "fused": True}
LADDER = {
    "cpu": {"only real frames": {}},
    "cuda": {
        "only real frames": {},
        "+ any kernels, bf16": BF16,
        "+ channels-last": BF16 | {"channels_last": True},
        "+ fused Adam": FUSED,
        "+ compiled (fast.yaml)": FUSED | {"compile": True},
    },
}
TRAJECTORIES, EPOCHS = 17200, 86  # of the published data that train, and epochs at most
MEASURED: dict[str, float] = {}  # s for a trajectory, by rows, for full_run
STEPS = {"cpu": 1, "cuda": 12}  # batches in a run
AUGMENTATION = {"flip": 0.5, "jitter": 0.2, "jitter_strength": 0.2, "blur": 0.2, "blur_kernel": (5, 9), "blur_sigma": (0.1, 2.0)}
# no frames are dropped, so that all ways see the same
AUGMENTATION |= {"end_mask": 0.0, "end_mask_fraction": (0.1, 0.5), "start_mask": 0.0, "start_mask_fraction": (0.3, 0.9)}
GOALS = {"trajectory": {"ratio_goal": 5.0}, "1,000 real frames": {"ours_goal": 0.125, "ratio_goal": 1.0}}  # 8,000 frames/s


def batches_of(device: str, lengths: Sequence[int] = ()) -> list:
    """Batches of four trajectories, drawn as the sampler draws, as a loader for a GPU gives them; or one of the given lengths."""
    import numpy as np
    import torch

    from benchmarks.speed.networks import trajectories
    from cellfate.training.dataset import CountsBatch

    counts, rng = trajectories(device, lengths), np.random.default_rng(1)
    drawn = [range(len(lengths))] if lengths else [rng.choice(len(counts), 4) for _ in range(STEPS[device])]
    labels = torch.tensor([0.0, 1.0, 1.0, 0.0] * 2)
    seeds = [[(1, step, place) for place in range(len(rows))] for step, rows in enumerate(drawn)]
    return [
        CountsBatch([counts[i] for i in rows], own, labels[: len(rows)], list("abcdefgh")[: len(rows)], ["r"] * len(rows))
        for rows, own in zip(drawn, seeds, strict=True)
    ]


def way_of(batches: list, device: str, published: bool = False, **changes: object) -> Callable[[], list[float]]:
    """Train on each batch; the losses. Its network goes on learning from run to run."""
    from functools import partial

    import torch

    from benchmarks.speed.networks import SCALING, sizes
    from cellfate.model.network import FateModel
    from cellfate.training.augmentation import AugmentationSettings
    from cellfate.training.dataset import prepare_batch
    from cellfate.training.module import FateTraining, TrainingSettings

    settings = TrainingSettings(**{**PLAIN, **changes})
    torch.manual_seed(0)
    with torch.device(device):
        model = FateModel(sizes(device, pad_through_backbone=published))
    prepare = partial(prepare_batch, scaling=SCALING, augmentation=AugmentationSettings(**AUGMENTATION))
    module = FateTraining(model, settings, prepare).train()
    optimizer = module.configure_optimizers()
    if published:
        batches = [prepare(batch, device=torch.device(device)) for batch in batches]
        if device == "cuda":
            batches = [batch._replace(frames=batch.frames.cpu().pin_memory()) for batch in batches]

    def way() -> list[float]:
        torch.use_deterministic_algorithms(settings.deterministic)
        for step, batch in enumerate(batches):
            ready = module.transfer_batch_to_device(batch, torch.device(device), 0)
            with torch.autocast(device, torch.bfloat16, enabled=settings.precision == "bf16-mixed"):
                loss = module.training_step(ready, step)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        losses, module.train_losses = [float(loss) for loss, _ in module.train_losses], []
        torch.use_deterministic_algorithms(False)
        return losses

    return way


def rows(settings: Settings) -> Iterator[Row]:
    import os

    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # deterministic products need it, before CUDA starts
    import numpy as np
    import torch

    from benchmarks.speed.networks import NETWORK, peak, timed, unmeasured

    device = settings.device
    batches = batches_of(device)
    n_trajectories, n_frames = 4 * len(batches), sum(len(crops) for batch in batches for crops in batch.crops)
    n_padded = sum(4 * max(map(len, batch.crops)) for batch in batches)
    expected = None
    for name, options in LADDER[device].items():
        published, ours = way_of(batches, device, published=True), way_of(batches, device, **options)
        losses = np.array([published(), ours()])
        expected = losses[1] if expected is None else expected  # of full precision
        error = float(np.abs(losses[1] - expected).max())
        assert error < 0.1, f"{name}: losses differ by {error}"
        times = np.array(timed([published, ours], settings))
        memory = [peak(way, device) for way in (published, ours)]
        equal = "the statistics of a batch are those of real frames" if options == {} else f"losses within {error:.0e} of full precision"
        shown = {"equal": equal, "device": device, "published_mb": memory[0], "ours_mb": memory[1]}
        shown["note"] = (
            f"{n_trajectories / times[1]:,.1f} trajectories/s, {n_frames / times[1]:,.0f} real frames/s; "
            f"{n_padded / n_frames:.2f} padded frames for each real one"
        )
        last = name == list(LADDER[device])[-1] and device == "cuda"
        goals = GOALS if last else {key: {} for key in GOALS}
        one, thousand = f"one trajectory; {NETWORK[device]}", f"1,000 real frames; {NETWORK[device]}"
        yield Row(STEP, f"train, {name}", one, *times / n_trajectories, **shown, **goals["trajectory"])
        if last:
            yield Row(STEP, f"train, {name}", thousand, *times / n_frames * 1000, **shown, **goals["1,000 real frames"])
            MEASURED.update(published=times[0] / n_trajectories, ours=times[1] / n_trajectories)
        del published, ours
        if device == "cuda":
            torch.cuda.empty_cache()
    if device == "cpu":
        yield unmeasured(STEP, "train, fast.yaml", "one trajectory; the paper's network", **GOALS["trajectory"])
        yield unmeasured(STEP, "train, fast.yaml", "1,000 real frames; the paper's network", **GOALS["1,000 real frames"])


def growth(settings: Settings) -> Iterator[Point]:
    from benchmarks.speed.networks import growth_of

    device = settings.device
    options = list(LADDER[device].values())[-1] | {"compile": False}  # which takes a minute for each size

    def ways(lengths: Sequence[int]) -> list[Callable]:
        batches = batches_of(device, lengths)
        return [way_of(batches, device, published=True), way_of(batches, device, **options)]

    yield from growth_of(STEP, device, ways)


def full_run(settings: Settings) -> Iterator[Share]:
    seconds = [MEASURED.get(way, nan) for way in ("ours", "published")]
    yield Share(STEP, "trajectory in an epoch", TRAJECTORIES * EPOCHS, *seconds, on="gpu", note=f"at most {EPOCHS} epochs")
