"""The benchmark of make bench: both ways of each step give the same on small inputs, and the page shows what was measured."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks.speed import STEPS, attention, crops, embedding, page, reading, training, truncation
from benchmarks.speed.measure import Point, Row, Share, interleaved, peak_mb
from benchmarks.speed.networks import trajectories

LENGTHS = (3, 5)


def test_crops_are_those_of_the_published_way(tmp_path):
    crops.write_frames(tmp_path / "frames", "zlib TIFF", 3)
    found = crops.compared(tmp_path / "frames", 4)  # compares pixels
    assert min(found.published, found.ours, found.bound) > 0
    found.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["frames"]


def test_trajectories_are_read_the_same(tmp_path):
    published, ours, from_memory = reading.ways_of(tmp_path, "cpu", LENGTHS)  # compares pixels
    assert published() == ours() == from_memory() > 0


def test_the_first_loss_of_training_on_equal_lengths_is_that_of_the_published_way():
    """Without padding the batch statistics are the same."""
    batches = training.batches_of("cpu", (4, 4))
    published, ours = training.way_of(batches, "cpu", published=True)(), training.way_of(batches, "cpu")()
    np.testing.assert_allclose(published, ours, rtol=1e-4)


def test_embeddings_are_those_of_the_published_way():
    counts = trajectories("cpu", LENGTHS)
    expected = embedding.published_way(counts, "cpu")()
    for options in embedding.LADDER["cpu"].values():
        found = embedding.way_of(counts, "cpu", **options)()
        np.testing.assert_allclose(found, expected, atol=1e-4 * expected.std())


def test_logits_of_all_conditions_are_those_of_the_published_way():
    published, ours, n_frames = truncation.ways_of("cpu", (4, 12))
    expected, found = published(), ours()
    assert n_frames == 16
    assert expected.keys() == found.keys()
    assert {condition for _, condition, _ in found} == {"truncation", "last_k"}
    for key, logit in expected.items():
        assert found[key] == pytest.approx(logit, abs=1e-4)


def test_the_row_of_attention_is_that_of_the_whole_map():
    published, ours, row = attention.ways_of("cpu", 2, 6)
    whole = published()[1]
    assert whole.shape == (2, 7, 7)
    torch.testing.assert_close(ours()[1][:, 0], whole[:, 0], rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(row(), whole[:, 0, 1:], rtol=1e-3, atol=1e-6)


def test_ways_take_turns_and_what_makes_ready_does_not_count():
    calls, now = [], iter(range(100))

    def way(name, seconds):
        return lambda: (calls.append(name), [next(now) for _ in range(seconds)])

    times = interleaved([way("a", 1), way("b", 4)], 2, clock=lambda: next(now), before=lambda: calls.append("ready"))
    assert calls == ["ready", "a", "ready", "b"] * 2
    assert times == [2, 5]


def test_peak_counts_what_is_touched_and_given_back():
    assert 90 < peak_mb(lambda: np.ones(100 * 2**17)) < 130


def test_the_page_names_what_is_reached_missed_and_unmeasured(tmp_path):
    row = Row("crops", "what", "input", published=10, ours=1, bound=0.5, ratio_goal=5, bound_goal=1.5)
    rows = [row, replace(row, what="fast", bound=0.9), Row("crops", "gpu", "input", ratio_goal=5, device="cuda", note="unmeasured: no GPU")]
    assert [each.reached for each in rows] == [False, True, None]
    where = {"machine": "two cores", "commit": "abc", "date": "2026-01-01"}
    points = [Point("crops", axis, size, way, size / 10) for axis in page.AXES for size in (1, 2, 4) for way in ("published", "ours")]
    tables = {"rows": rows, "growth": points, "full_run": [Share("crops", "frame", 160, 0.1, 1.0)]}
    for kind, records in tables.items():
        pd.DataFrame([vars(record) | where for record in records]).to_csv(tmp_path / f"crops.{kind}.tsv", sep="\t", index=False)
    page.write([tmp_path], tmp_path / "page.md", tmp_path / "growth.png")
    text = (tmp_path / "page.md").read_text()
    assert "| two cores | 2026-01-01, abc | crops |" in text
    lines = {line.split(" | ")[0].strip("| "): line for line in text.splitlines() if line.startswith("|")}
    assert "at least 5x; within 1.5x of the bound (missed) | **missed**" in lines["what"]
    assert "| reached |" in lines["fast"]
    assert "| unmeasured |" in lines["gpu (GPU)"]
    assert "| Crops | frames | 1 - 4 | 1.00 | 1.00 |" in text
    assert "| Crops | 160 x frame, on 16 cores | 1 s | 0.1 s | 10 s | 1 s |" in text
    assert text.count("Not measured yet.") == len(STEPS) - 1
    assert (tmp_path / "growth.png").stat().st_size > 10_000
