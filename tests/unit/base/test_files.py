"""A half-written file or folder never carries its final name."""

import hashlib
import shutil

import pytest

from cellfate.base.files import keep_last, replacing, sha256


def test_a_file_appears_when_the_block_succeeds(tmp_path):
    with replacing(tmp_path / "deep" / "a.txt") as temporary:
        temporary.write_text("new")
        assert not (tmp_path / "deep" / "a.txt").exists()
    assert (tmp_path / "deep" / "a.txt").read_text() == "new"


def test_a_failure_leaves_what_was_there(tmp_path):
    (tmp_path / "a.txt").write_text("old")

    def interrupted():
        with replacing(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_folder_is_replaced_whole_and_leftovers_of_a_kill_go(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").touch()
    (tmp_path / ".model.part").mkdir()
    (tmp_path / ".model.part" / "half").touch()
    with replacing(tmp_path / "model") as temporary:
        assert not temporary.exists()
        temporary.mkdir()
        (temporary / "new").touch()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["model", "new"]


def test_digest_of_a_file_longer_than_a_block(tmp_path):
    content = b"0123456789" * 200_000
    (tmp_path / "a").write_bytes(content)
    assert sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_what_was_last_is_kept_when_its_folder_is_deleted(tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "weights").write_text("1")
    keep_last(model)
    shutil.rmtree(model)  # as Snakemake does before a job runs again
    assert (tmp_path / ".last-model/weights").read_text() == "1"
    model.mkdir()
    (model / "weights").write_text("2")
    keep_last(model)
    assert (tmp_path / ".last-model/weights").read_text() == "2"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".last-model", "model"]
