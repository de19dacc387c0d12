"""`cellfate init`: the sheet and settings that it writes, what it says, and that nothing in them is invented."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
import toy_frames
import yaml

from cellfate.cli import check as cli_check
from cellfate.cli import init as cli_init
from cellfate.recordings.discovery.headers import other_names

N_FRAMES, SHAPE = 14, (40, 50)
KNOWN = {
    "axes": "TYX",
    "PhysicalSizeX": 0.65,
    "PhysicalSizeXUnit": "µm",
    "PhysicalSizeY": 0.65,
    "PhysicalSizeYUnit": "µm",
    "TimeIncrement": 15,
    "TimeIncrementUnit": "min",
    "Channel": {"Name": ["nuclei"]},
}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def init(folder="data", output=".", force=False):
    return cli_init.run(argparse.Namespace(folder=Path(folder), output=Path(output), force=force))


def check(path="my_config.yaml"):
    return cli_check.run(argparse.Namespace(paths=[Path(path)]))


def sheet(path="recordings.tsv"):
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)


def settings(path="my_config.yaml"):
    return yaml.safe_load(Path(path).read_text())


def write_stack(name, metadata=None, folder="data/images"):
    path = Path(folder) / f"{name}.ome.tif"
    path.parent.mkdir(parents=True, exist_ok=True)
    images = np.random.default_rng(list(name.encode())).integers(0, 99, (N_FRAMES, *SHAPE)).astype("uint16")
    tifffile.imwrite(path, images, photometric="minisblack", metadata=metadata or KNOWN)


def write_tracks(name, outcomes=("apoptosis", "mitosis", "mitosis", "apoptosis"), folder="data/tracks", n_frames=N_FRAMES):
    path = Path(folder) / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{track},{frame},{5 * track},{frame}" for track in range(1, len(outcomes) + 1) for frame in range(n_frames - 1)]
    path.write_text("\n".join(["track_id,frame,y,x", *rows]) + "\n")
    fates = [f"{track},{outcome},{n_frames - 1}" for track, outcome in enumerate(outcomes, start=1)]
    path.with_name(f"{path.stem}_outcomes.csv").write_text("\n".join(["track_id,outcome,event_frame", *fates]) + "\n")


def test_what_it_writes_passes_the_check_when_the_files_say_everything(capsys):
    for name in ("a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "a10"):
        write_stack(name)
        write_tracks(name)
    assert init() == 0
    out = capsys.readouterr().out
    assert "Found in data: 10 recordings, 10 of them with tracks." in out
    assert "tracks in data/tracks/a1.csv (csv; same name): 4 tracks, 2 apoptosis, 2 mitosis" in out
    table = sheet()
    assert table["recording"].tolist()[-2:] == ["a9", "a10"]
    assert table.iloc[0][["images", "tracks", "frame_interval_min", "pixel_size_um", "channels"]].tolist() == [
        "data/images/a1.ome.tif",
        "data/tracks/a1.csv",
        "15",
        "0.65",
        "nuclei",
    ]
    written = settings()
    assert written["outcomes"] == {"negative": "apoptosis", "positive": "mitosis"}
    assert written["split"] == {"unit": "recording"}
    assert written["segmentation"] == {"channel": "nuclei"}
    assert (written["crops"], written["model"]) == ({"size": 16}, {"input_size": 16})  # cells are 5 pixels apart
    assert "crops.size and model.input_size in my_config.yaml: 16 pixels is proposed from the tracks" in out
    assert check() == 0
    assert "Nothing is wrong: 10 recordings, 140 frames and 40 tracks can be read." in capsys.readouterr().out


def test_nothing_is_invented(capsys):
    for name in ("w1", "w2"):
        toy_frames.colour_tiffs(Path("data") / name, toy_frames.recording())
    assert init() == 0
    out = capsys.readouterr().out
    table = sheet()
    unknown = ["tracks", "tracks_format", "treatment", "dose", "treatment_start_h", "frame_interval_min", "pixel_size_um", "group"]
    assert (table[unknown] == "").all(axis=None)
    assert table["channels"].tolist() == ["red,green,blue"] * 2
    assert settings() == {
        "dataset": "data",
        "recordings": "recordings.tsv",
        "source": {"kind": "local"},
        "split": {"unit": "lineage"},
        "evaluation": {"treatment": None},
    }
    assert "interval    not known" in out
    assert "frame_interval_min in recordings.tsv: minutes between frames, of all recordings (needed)" in out
    assert "outcomes in my_config.yaml: the two that are compared" in out
    assert "crops.size and model.input_size in my_config.yaml: pixels that hold one cell and not its neighbours" in out
    assert check() == 1
    said = capsys.readouterr().out
    assert "recordings.tsv: line 2: frame_interval_min is empty, a value is needed" in said
    assert "recordings.tsv: line 3: frame_interval_min is empty, a value is needed" in said


def test_values_without_a_unit_are_said_and_stay_empty(capsys):
    pixels = {"PhysicalSizeX": 1, "PhysicalSizeXUnit": "pixel", "PhysicalSizeY": 1, "PhysicalSizeYUnit": "pixel"}
    write_stack("a", {**KNOWN, **pixels, "TimeIncrement": 0})
    assert init() == 0
    out = capsys.readouterr().out
    assert "OME gives the pixel size as 1 pixel: not a known unit, so it counts as unknown" in out
    assert "OME (TimeIncrement) gives the frame interval as 0 min: implausible, so it counts as unknown" in out
    assert sheet()[["frame_interval_min", "pixel_size_um"]].to_numpy().tolist() == [["", ""]]


def test_files_that_are_there_are_not_overwritten(capsys):
    write_stack("a")
    Path("my_config.yaml").write_text("mine: true\n")
    assert init() == 1
    assert "my_config.yaml: there already, not overwritten; --force replaces" in capsys.readouterr().err
    assert Path("my_config.yaml").read_text() == "mine: true\n"
    assert not Path("recordings.tsv").exists()
    assert init(output="elsewhere") == 0
    assert settings("elsewhere/my_config.yaml")["recordings"] == "elsewhere/recordings.tsv"
    assert init(force=True) == 0
    assert settings()["dataset"] == "data"


def test_more_than_two_outcomes_are_left_to_the_person(capsys):
    write_stack("a")
    write_tracks("a", ["slippage", "mitosis", "apoptosis"])
    assert init() == 0
    assert "outcomes" not in settings()
    text = Path("my_config.yaml").read_text()
    assert "Found: apoptosis (1 tracks), mitosis (1 tracks), slippage (1 tracks). Choose two" in text


def test_other_two_outcomes_name_the_classes():
    write_stack("a")
    write_tracks("a", ["senescent", "no_event_by_end", "dead", "censored"], n_frames=N_FRAMES + 1)
    tables = Path("data/tracks/a_outcomes.csv")
    tables.write_text(tables.read_text().replace("by_end,14", "by_end,").replace("censored,14", "censored,"))
    assert init() == 0
    assert settings()["outcomes"] == {"negative": "dead", "positive": "senescent"}


def test_tracks_with_a_mistake_stay_in_the_sheet_and_the_mistake_is_said(capsys):
    write_stack("a")
    write_tracks("a")
    path = Path("data/tracks/a.csv")
    path.write_text(path.read_text().replace("1,3,5,3", "1,3,500,3"))
    assert init() == 0
    assert "data/tracks/a.csv: line 5: y of track 1 is 500, outside the image" in capsys.readouterr().out
    assert sheet()["tracks"].tolist() == ["data/tracks/a.csv"]


def test_tracks_that_fit_by_order_only_are_not_written(capsys):
    for name in ("a", "b"):
        write_stack(name)
    for name in ("export1", "export2"):
        write_tracks(name)
    assert init() == 0
    assert sheet()["tracks"].tolist() == ["", ""]
    assert "export1.csv to a, export2.csv to b. That is not sure, so it was not written" in capsys.readouterr().out


def test_a_folder_of_the_cell_tracking_challenge():
    folder = Path("data/01")
    folder.mkdir(parents=True)
    truth = Path("data/01_GT/TRA")
    truth.mkdir(parents=True)
    Path("data/01_GT/SEG").mkdir()
    labels = np.zeros(SHAPE, "uint16")
    labels[5:9, 5:9] = 1
    for t in range(4):
        tifffile.imwrite(folder / f"t{t:03d}.tif", np.full(SHAPE, t, "uint8"), photometric="minisblack")
        tifffile.imwrite(truth / f"man_track{t:03d}.tif", labels)
    tifffile.imwrite("data/01_GT/SEG/man_seg001.tif", labels)
    (truth / "man_track.txt").write_text("1 0 3 0\n")
    assert init() == 0
    assert sheet()[["recording", "images", "tracks", "tracks_format"]].to_numpy().tolist() == [["01", "data/01", "data/01_GT/TRA", "ctc"]]
    assert settings()["dataset"] == "data"


def test_annotations_of_one_recording_give_it_the_name_of_their_video(capsys):
    from cellfate.simulation.files import write_simulated_recording

    small = {"n_frames": 12, "frame_shape": (128, 128), "n_cells": 4, "fated_cells": 2, "sister_pairs": 0, "leaving_cells": 0}
    write_simulated_recording("data/dish", "data/tracks.json", "truth.h5", "r7", small, 1, None, None, None, 30)
    assert init() == 0
    assert sheet()[["recording", "tracks", "tracks_format"]].to_numpy().tolist() == [["r7", "data/tracks.json", "coco-video"]]
    assert "named r7, as in tracks.json (the only candidate)" in capsys.readouterr().out


def test_channels_by_file_with_the_time_in_their_names():
    folder = Path("data/export")
    folder.mkdir(parents=True)
    for channel in ("Phase", "GFP"):
        for hour in range(3):
            tifffile.imwrite(folder / f"x_{channel}_B2_1_00d0{hour}h30m.tif", np.zeros(SHAPE, "uint8"), photometric="minisblack")
    assert init() == 0
    (row,) = sheet().to_dict("records")
    assert row["images"] == "data/export/x_{channel}_B2_1_{time}.tif"
    assert (row["channels"], row["frame_interval_min"]) == ("GFP,Phase", "60")
    assert "# one of GFP, Phase" in Path("my_config.yaml").read_text()


def test_names_of_channels_that_the_sheet_does_not_allow_become_labels():
    write_stack("a", {**KNOWN, "Channel": {"Name": ["GFP 488"]}})
    assert init() == 0
    assert sheet()[["channels", "channel_labels"]].to_numpy().tolist() == [["GFP_488", "GFP 488"]]


def test_a_folder_without_recordings_writes_nothing(capsys):
    Path("data").mkdir()
    (Path("data") / "notes.txt").write_text("x")
    assert init() == 1
    captured = capsys.readouterr()
    assert "no recording found, so nothing was written" in captured.err
    assert "data/notes.txt: neither images nor tracks" in captured.out
    assert not Path("recordings.tsv").exists()


def test_the_help_pages_say_what_happens(capsys):
    parser = argparse.ArgumentParser(prog="cellfate")
    subparsers = parser.add_subparsers()
    cli_init.add_parser(subparsers)
    cli_check.add_parser(subparsers)
    for command, words in (("init", "No file is overwritten without --force"), ("check", "The exit status is 0 when nothing is wrong")):
        with pytest.raises(SystemExit):
            parser.parse_args([command, "--help"])
        assert words in capsys.readouterr().out
    assert parser.parse_args(["init", "data", "--output", "x"]).run is cli_init.run
    assert parser.parse_args(["check", "x.tsv"]).run is cli_check.run


SPOTS = "LABEL,ID,TRACK_ID,POSITION_X,POSITION_Y,FRAME\nLabel,ID,Track,X,Y,Frame\nLabel,ID,Track,X,Y,Frame\n,,,(micron),(micron),\n"


def test_outcomes_are_known_also_where_the_tracks_still_need_a_pixel_size(capsys):
    toy_frames.colour_tiffs(Path("data/B02"), toy_frames.recording())
    Path("data/B02_spots.csv").write_text(SPOTS + "".join(f"s,{t},0,1,1,{t}\n" for t in range(3)))
    Path("data/B02_spots_outcomes.csv").write_text("track_id,outcome,event_frame\n0,death,3\n7,division,3\n")
    assert init() == 0
    out = capsys.readouterr().out
    assert "positions are in (micron), so the sheet must give pixel_size_um for recording B02" in out
    assert "pixel_size_um in recordings.tsv: micrometres per pixel, of B02 (needed, as tracks are in micrometres)" in out
    assert settings()["outcomes"] == {"negative": "death", "positive": "division"}


def test_trackmate_says_what_the_images_do_not():
    toy_frames.colour_tiffs(Path("data/B02"), toy_frames.recording())
    image = '<Settings><ImageData pixelwidth="0.65" timeinterval="900"/></Settings>'
    Path("data/B02.xml").write_text(f'<TrackMate version="7"><Model spatialunits="\u00b5m" timeunits="sec"/>{image}</TrackMate>', "utf-8")
    assert init() == 0
    assert sheet()[["frame_interval_min", "pixel_size_um"]].to_numpy().tolist() == [["15", "0.65"]]


def test_tables_with_other_names_of_columns_are_told_how_to_rename_them(capsys):
    for name in ("a", "b", "c"):
        write_stack(name)
        write_tracks(name)
        for path, header in ((f"{name}.csv", "ID,t,pos_y,pos_x"), (f"{name}_outcomes.csv", "cell,fate,frame")):
            file = Path("data/tracks") / path
            file.write_text("\n".join([header, *file.read_text().splitlines()[1:]]) + "\n")
        Path(f"data/tracks/{name}_outcomes.csv").rename(f"data/tracks/{name}_fates.csv")
    assert init() == 0
    out = capsys.readouterr().out
    assert (
        "looks like tracks, but its columns are ID, t, pos_y, pos_x: rename its header (track_id: ID, frame: t, y: pos_y, x: pos_x)" in out
    )
    assert "looks like outcomes, but its columns are cell, fate, frame: name it <tracks>_outcomes.csv beside its tracks" in out
    assert "in tracks.outcomes_from.columns how they are named (track_id: cell, outcome: fate, event_frame: frame; docs/tracks.md)" in out
    assert "- tracks and tracks_format in recordings.tsv, of all recordings; tables that look like tracks are under `Left out`" in out


def test_outcomes_beside_tracks_under_other_names_are_told_where_to_name_them(capsys):
    write_stack("a")
    write_tracks("a")
    file = Path("data/tracks/a_outcomes.csv")
    file.write_text(file.read_text().replace("track_id,outcome,event_frame", "cell,fate,frame"))
    assert init() == 0
    said = "column track_id missing; needed are track_id, outcome"
    out = capsys.readouterr().out
    assert said in out
    assert "found cell, fate, frame; tracks.outcomes_from.columns says under which names its columns stand" in out


@pytest.mark.parametrize("header", ["a,b,c", "time,temperature", "gene,x,y", "well,drug,dose"])
def test_other_tables_are_called_neither(header):
    assert other_names(Path("t.csv"), header.split(",")).startswith("a table that has not the columns of tracks")
