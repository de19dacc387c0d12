"""``cellfate labels``."""

import pandas as pd

from cellfate.cli.main import main

HEADER = "by,at,recording,track_id,outcome,event_frame,note,data\n"


def write(path, by, frame):
    rows = [f"{by},2026-11-29T10:00:00Z,r,{track},dead,{frame},,t{track}\n" for track in range(4)]
    path.write_text(HEADER + "".join(rows) + f"{by},2026-11-29T10:00:00Z,r,9,neither,,,t9\n")
    return str(path)


def test_the_agreement_is_said_and_written(tmp_path, capsys):
    files = write(tmp_path / "a.csv", "anna", 5), write(tmp_path / "b.csv", "ben", 8)
    assert main(["labels", *files, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "anna (A) and ben (B): 5 cells of both, 0 of A only, 0 of B only." in said
    assert "Cohen's kappa 1.00 (95 % interval -0." in said
    assert "0 within 0, 0 within 1, 0 within 2 frames; B less A: median 3" in said
    assert "CAUTION: 5 cells are few" in said
    assert "of 1 recording only" in said
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "label_agreement.csv",
        "label_disagreements.csv",
        "label_frames.csv",
    ]
    assert len(pd.read_csv(tmp_path / "out/label_disagreements.csv")) == 4


def test_nothing_is_written_where_labels_cannot_be_compared(tmp_path, capsys):
    files = write(tmp_path / "a.csv", "anna", 5), write(tmp_path / "b.csv", "ben", 8)
    (tmp_path / "b.csv").write_text((tmp_path / "b.csv").read_text().replace(",t3", ",t4"))
    assert main(["labels", *files, "--out", str(tmp_path / "out")]) == 1
    assert "b.csv: line 5: data of r, track 3 is 't4'" in capsys.readouterr().err
    assert main(["labels", *files, "--frames", "-1"]) == 1
    assert not (tmp_path / "out").exists()
