"""A SLURM job that was to have a GPU and sees none says so, before it computes for days on a CPU."""

import os
from collections.abc import Mapping

from cellfate.base.errors import InputError


def gpus_asked(resources: Mapping) -> int:
    """How many GPUs a rule's resources ask for, as ``gpu: 2`` or as ``gres: gpu:a100:2`` (without a number: 1)."""
    asked = int(resources.get("gpu") or 0)
    for part in str(resources.get("gres") or "").split(","):
        kind, *rest = part.split(":")
        if kind == "gpu":
            asked += int(rest[-1]) if rest and rest[-1].isdigit() else 1
    return asked


def check_gpus(resources: Mapping) -> None:
    """Raise an InputError in a SLURM job whose rule asks for more GPUs than torch sees.

    Outside SLURM nothing is checked: there ``training.accelerator: auto`` takes the GPU where there is one.
    """
    asked, job = gpus_asked(resources), os.environ.get("SLURM_JOB_ID")
    if not asked or job is None:
        return
    import torch  # seconds of start-up, which jobs without a GPU are spared

    seen = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if seen < asked:
        given = os.environ.get("SLURM_JOB_GPUS") or os.environ.get("CUDA_VISIBLE_DEVICES") or "none"
        raise InputError(
            f"the rule asks for {asked} GPU{'s' * (asked != 1)}, but SLURM job {job} on {os.environ.get('SLURMD_NODENAME', 'this node')} "
            f"sees {seen} (SLURM gave: {given}). Set the partition with GPUs in slurm/partitions.yaml and the kind of GPU under "
            "set-resources in slurm/profile.yaml (gpu_model or gres); or set training.accelerator, segmentation.device: cpu"
        )
