import pytest
import torch

from cellfate.base.errors import InputError
from cellfate.base.gpus import check_gpus, gpus_asked


@pytest.mark.parametrize(
    ("resources", "asked"),
    [
        ({}, 0),
        ({"gpu": 0, "mem_mb": 100}, 0),
        ({"gpu": 2}, 2),
        ({"gpu": 0, "gres": "gpu:a100:1"}, 1),
        ({"gpu": 0, "gres": "gpu:4"}, 4),
        ({"gres": "gpu"}, 1),
        ({"gres": "gpu:a100"}, 1),
        ({"gres": "scratch:100"}, 0),
        ({"gres": "scratch:100,gpu:a100:2"}, 2),
    ],
)
def test_gpus_asked_in_either_way(resources, asked):
    assert gpus_asked(resources) == asked


def test_a_slurm_job_without_the_gpu_that_its_rule_asks_for(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"asks for 1 GPU, but SLURM job 77 .* sees 0 .*slurm/partitions.yaml.*slurm/profile.yaml"):
        check_gpus({"gpu": 1})
    check_gpus({"gpu": 0})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    check_gpus({"gpu": 1})
    with pytest.raises(InputError, match=r"asks for 2 GPUs, but SLURM job 77 .* sees 1"):
        check_gpus({"gpu": 2})


def test_outside_slurm_a_laptop_may_go_without(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    check_gpus({"gpu": 1})
