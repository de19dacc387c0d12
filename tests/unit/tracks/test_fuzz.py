"""Damaged and odd files of every format: whatever stands in them, reading them gives tables or an InputError, never another error.

60 inputs by default; CELLFATE_FUZZ=2000 is the long form.
"""

import json
import os
import random
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import geff
import h5py
import networkx as nx
import numpy as np
import pytest
import tifffile

from cellfate.base.errors import InputError
from cellfate.tracks.outcomes import check_tracks
from cellfate.tracks.raw import RecordingFacts
from cellfate.tracks.statements import AS_IN_THE_FILE, OutcomesFrom

N_INPUTS = int(os.environ.get("CELLFATE_FUZZ", "60"))
FACTS = RecordingFacts("r", 6, (40, 50), 0.5, 30)
CELLS = {1: (range(3), None), 2: (range(3, 6), 1), 3: (range(3, 6), 1), 4: (range(6), None)}
ROWS = [(track, parent, t, 5.0 + 4 * track + t, 8.0 * track) for track, (frames, parent) in CELLS.items() for t in frames]
SPOTS = {(track, t): 100 * track + t for track, _, t, _, _ in ROWS}
LINKS = [(SPOTS[track, t], SPOTS[track, t + 1]) for track, t in SPOTS if (track, t + 1) in SPOTS] + [(102, 203), (102, 303)]
STATES = ["", "0", "round", "1.0", "anaphase", "nan"]  # in each frame
EVENTS = OutcomesFrom(
    dict.fromkeys(("anaphase", "DIVIDE", "division", "class"), "mitosis")
    | dict.fromkeys(("state=1", "dead=1", "death", "is_cell_dead", "APOPTOSIS", "fate=77"), "apoptosis"),
    None,
    None,
    {},
    ("state", "dead", "name"),
)
SILENT = replace(EVENTS, words={})
ODD = [
    "",
    "-1",
    "0",
    "1.5",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "9" * 30,
    str(2**53 + 1),
    "text",
    "²",
    "1,5",
    "\x00",
    '"',
    "null",
    "True",
    "[1]",
    " ",
    "é",
]
ODD_JSON = [None, -1, 0, 1.5, float("nan"), float("inf"), 10**30, "text", "7", True, [], [1], {}, {"a": 1}]


def write_csv(folder):
    lines = ["track_id,parent_id,frame,y,x,state", *(f"{track},{parent or ''},{t},{y},{x},{STATES[t]}" for track, parent, t, y, x in ROWS)]
    return text_file(folder / "t.csv", lines)


def write_napari(folder):
    lines = ["track_id,t,y,x,id,parent_track_id,parent_id,state"]
    mothers = [(parent or -1, SPOTS.get((track, t - 1), -1)) for track, parent, t, _, _ in ROWS]
    lines += [f"{n},{t},{y},{x},{SPOTS[n, t]},{a},{b},{STATES[t]}" for (n, _, t, y, x), (a, b) in zip(ROWS, mothers, strict=True)]
    return text_file(folder / "t.csv", lines)


def write_btrack_csv(folder):
    lines = ["ID t x y z parent root dummy state fate"]
    lines += [f"{track} {t} {x} {y} 0 {parent or track} 1 False {t} {2 if parent else 4}" for track, parent, t, y, x in ROWS]
    return text_file(folder / "t.csv", lines)


def text_file(path, lines, first=1):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.with_name("t_outcomes.csv").write_text(f"track_id,outcome,event_frame\n{first},mitosis,3\n")
    return path


def write_acdc(folder):
    lines = [
        "frame_i,Cell_ID,x_centroid,y_centroid,is_cell_dead,is_cell_excluded,relationship,relative_ID,division_frame_i,Cell_ID_tree,parent_ID_tree"
    ]
    lines += [
        f"{t},{track},{x},{y},{int(t > 4)},0,mother,-1,{3 if parent else -1},{track},{parent or -1}" for track, parent, t, y, x in ROWS
    ]
    return text_file(folder / "t.csv", lines)


def write_celldetective(folder):
    lines = ["TRACK_ID,FRAME,POSITION_X,POSITION_Y,class_id,class_death,t_death,class,t0,parent,position"]
    lines += [f"{track}.0,{t},{x},{y},1,{track % 3},{2.5 + t // 6},1,-1,{parent or track},C:/W1/100/" for track, parent, t, y, x in ROWS]
    return text_file(folder / "t.csv", lines)


def write_spots(folder):
    head = ["LABEL,ID,TRACK_ID,POSITION_X,POSITION_Y,FRAME,state", *["a,b,c,d,e,f,g"] * 2, ",,,(pixel),(pixel),,"]
    body = [f"{STATES[t]},{SPOTS[track, t]},{0 if track < 4 else 1},{x},{y},{t},{STATES[t]}" for track, _, t, y, x in ROWS]
    edges = ["LABEL,SPOT_SOURCE_ID,SPOT_TARGET_ID", ",,", ",,", ",,", *(f"e,{one},{other}" for one, other in LINKS)]
    (folder / "t_edges.csv").write_text("\n".join(edges) + "\n")
    return text_file(folder / "t_spots.csv", head + body, SPOTS[1, 0])


def write_xml(folder):
    spots = [
        f'<Spot ID="{SPOTS[track, t]}" name="{STATES[t]}" state="{t}" FRAME="{t}" POSITION_X="{x / 2}" POSITION_Y="{y / 2}" />'
        for track, _, t, y, x in ROWS
    ]
    edges = [f'<Edge SPOT_SOURCE_ID="{one}" SPOT_TARGET_ID="{other}" />' for one, other in LINKS]
    lines = ['<TrackMate version="7">', '<Model spatialunits="um" timeunits="sec">', "<AllSpots>", "<SpotsInFrame>", *spots]
    lines += ["</SpotsInFrame>", "</AllSpots>", "<AllTracks>", '<Track TRACK_ID="0">', *edges, "</Track>", "</AllTracks>"]
    lines += ['<FilteredTracks><TrackID TRACK_ID="0" /></FilteredTracks>', "</Model>"]
    lines += ['<Settings><ImageData pixelwidth="0.5" pixelheight="0.5" /></Settings>', "</TrackMate>"]
    return text_file(folder / "t.xml", lines, SPOTS[1, 0])


def write_coco(folder):
    annotations = [
        {"id": SPOTS[track, t], "image_id": t, "category_id": 1, "cell_id": track, "parent_id": parent, "bbox": [x / 50, y / 40, 0.1, 0.1]}
        | {"time_of_death": None, "time_of_division": 3 if track == 1 else None, "time_step": t}
        for track, parent, t, y, x in ROWS
    ]
    images = [{"id": t, "video_id": 1, "frame_id": t} for t in range(6)]
    path = folder / "t.json"
    path.write_text(json.dumps({"videos": [{"id": 1, "name": "r"}], "images": images, "annotations": annotations}, indent=0))
    return path


def write_ctc(folder):
    path = folder / "TRA"
    path.mkdir()
    for frame in range(6):
        labels = np.zeros((40, 50), np.uint16)
        for track, _, t, y, x in ROWS:
            if t == frame:
                labels[round(y), round(x)] = track
        tifffile.imwrite(path / f"man_track{frame:03d}.tif", labels)
    lines = [f"{track} {frames[0]} {frames[-1]} {parent or 0}" for track, (frames, parent) in CELLS.items()]
    (path / "man_track.txt").write_text("\n".join(lines) + "\n")
    return path


def write_btrack(folder):
    path = folder / "t.h5"
    with h5py.File(path, "w") as file:
        file["objects/obj_type_1/coords"] = np.array([(t, x, y, 0, 0) for _, _, t, y, x in ROWS], np.float32)
        starts = [next(n for n, row in enumerate(ROWS) if row[0] == track) for track in CELLS]
        ends = [start + len(frames) for start, (frames, _) in zip(starts, CELLS.values(), strict=True)]
        file["objects/obj_type_1/labels"] = np.array([[t, 0] for _, _, t, _, _ in ROWS], np.float32)
        file["objects/obj_type_1/properties/dead"] = np.array([t > 3 for _, _, t, _, _ in ROWS], np.float32)
        file["tracks/obj_type_1/fates"] = np.array([4, 2, 5, 77], np.int32)
        file["tracks/obj_type_1/tracks"] = np.arange(len(ROWS), dtype=np.int32)
        file["tracks/obj_type_1/map"] = np.array([starts, ends], np.uint32).T
        file["tracks/obj_type_1/LBEPR"] = np.array([(n, f[0], f[-1], p or n, 1, 0) for n, (f, p) in CELLS.items()], np.int32)
    return path


def write_geff(folder):
    graph = nx.DiGraph()
    for track, _, t, y, x in ROWS:
        graph.add_node(SPOTS[track, t], t=t, y=y, x=x, state=STATES[t])
    graph.add_edges_from(LINKS)
    path = folder / "t.geff"
    geff.write(graph, path, axis_names=["t", "y", "x"], axis_units=["frame", "pixel", "pixel"], axis_types=["time", "space", "space"])
    return path


WRITERS = {
    "csv": ("csv", write_csv),
    "napari": ("napari", write_napari),
    "ctc": ("ctc", write_ctc),
    "btrack": ("btrack", write_btrack),
    "btrack_csv": ("btrack", write_btrack_csv),
    "acdc": ("cell-acdc", write_acdc),
    "celldetective": ("celldetective", write_celldetective),
    "geff": ("geff", write_geff),
    "coco": ("coco-video", write_coco),
    "xml": ("trackmate", write_xml),
    "spots": ("trackmate", write_spots),
}


def damage_bytes(path: Path, chance: random.Random) -> None:
    """Cut a file, exchange bytes, or put some in."""
    content = bytearray(path.read_bytes())
    at = chance.randrange(len(content) + 1)
    how = chance.randrange(4)
    if how == 0:
        content = content[:at]
    elif how == 1:
        content[at : at + chance.randint(1, 8)] = chance.randbytes(chance.randint(0, 8))
    elif how == 2:
        for _ in range(chance.randint(1, 20)):
            if content:
                content[chance.randrange(len(content))] = chance.randrange(256)
    else:
        del content[at : at + chance.randint(1, 200)]
    path.write_bytes(bytes(content))


def damage_table(path: Path, chance: random.Random) -> None:
    """Permute columns, exchange or double headers, repeat or lose rows, put odd values into cells."""
    separator = " " if b" x y" in path.read_bytes() or path.suffix == ".txt" else ","
    rows = [line.split(separator) for line in path.read_text(encoding="utf-8").splitlines()]
    how = chance.randrange(6)
    width = len(rows[0])
    if how == 0:
        order = chance.sample(range(width), width)
        rows = [[row[column] for column in order if column < len(row)] for row in rows]
    elif how == 1:
        chance.shuffle(rows[0])
    elif how == 2:
        rows[0][chance.randrange(width)] = chance.choice([*rows[0], "", "mother", "id", "parent"])
    elif how == 3:
        rows = [row for row in rows if chance.random() > 0.2] or rows
    elif how == 4:
        rows += chance.choices(rows, k=3)
    if how == 5 or chance.random() < 0.3:
        for _ in range(chance.randint(1, 4)):
            row = chance.choice(rows)
            row[chance.randrange(len(row))] = chance.choice(ODD)
    path.write_text("\n".join(separator.join(row) for row in rows), encoding="utf-8")


def damage_xml(path: Path, chance: random.Random) -> None:
    """Odd values in attributes, attributes renamed, lines lost or doubled."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(lines))
        parts = lines[at].split('"')
        if len(parts) > 2 and chance.random() < 0.8:
            parts[chance.randrange(len(parts) // 2) * 2 + chance.randrange(2)] = chance.choice(ODD).replace("\x00", "").replace('"', "")
            lines[at] = '"'.join(parts)
        else:
            lines[at : at + 1] = [lines[at]] * chance.choice([0, 2])
    path.write_text("\n".join(lines), encoding="utf-8")


def damage_json(path: Path, chance: random.Random) -> None:
    """Odd values anywhere in a JSON file, keys lost."""
    content = json.loads(path.read_text(encoding="utf-8"))
    for _ in range(chance.randint(1, 3)):
        inner, key, value = None, None, content
        while isinstance(value, dict | list) and value and (inner is None or chance.random() < 0.85):
            inner, key = value, chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
            value = inner[key]
        if inner is None:
            break
        if chance.random() < 0.3:
            del inner[key]
        else:
            inner[key] = chance.choice(ODD_JSON)
    path.write_text(json.dumps(content))


def damage_hdf5(path: Path, chance: random.Random) -> None:
    """A table of another type, shape or with odd values; or lost."""
    with h5py.File(path, "r+") as file:
        objects = [f"objects/obj_type_1/{one}" for one in ("coords", "labels", "properties/dead")]
        name = chance.choice([*objects, *(f"tracks/obj_type_1/{one}" for one in ("tracks", "map", "LBEPR", "fates"))])
        values = file[name][()]
        del file[name]
        how = chance.randrange(7)
        if how == 0:
            return
        if how == 1:
            values = values.astype(chance.choice(["float64", "int64", "uint8", "S4", "complex64", "bool", "uint64"]))
        elif how == 2:
            values = values[: chance.randrange(len(values))]
        elif how == 3:
            values = values.ravel()[: chance.choice([0, 1, 5])]
        elif how == 4:
            values.flat[chance.randrange(values.size)] = chance.choice([0, 1, 1000, 2**31 - 1])
        elif how == 5:
            values = values.astype(float)
            values.flat[chance.randrange(values.size)] = chance.choice([np.nan, np.inf, -5, 0.5, 1e30])
        else:
            values = np.moveaxis(np.stack([values] * 2), 0, -1)
        file[name] = values


def damage_image(path: Path, chance: random.Random) -> None:
    """Labels of another type or shape, or others."""
    labels = tifffile.imread(path)
    change = chance.choice(
        [
            lambda: labels.astype(chance.choice(["float32", "float64", "int8", "int32", "uint8", "complex64", "bool"])),
            lambda: labels + np.float32(0.5),
            lambda: labels[:20],
            lambda: np.stack([labels] * 3),
            lambda: labels * 20000,
            lambda: labels.astype(int) - 2,
            lambda: labels.T,
        ]
    )
    tifffile.imwrite(path, change())


DAMAGES = {".csv": damage_table, ".txt": damage_table, ".xml": damage_xml, ".json": damage_json, ".h5": damage_hdf5, ".tif": damage_image}


def damage(path: Path, chance: random.Random) -> str:
    """Damage one file of the tracks or beside them; returns its name."""
    files = sorted(file for file in path.parent.rglob("*") if file.is_file() and file.stat().st_size)
    file = chance.choice(files)
    own = damage_json if file.name in (".zattrs", ".zarray", "zarr.json") else DAMAGES.get(file.suffix)
    (own if own and chance.random() < 0.7 else damage_bytes)(file, chance)
    return file.name


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A sound file of each kind, in a folder of its own."""
    made = {}
    for name, (tracks_format, write) in WRITERS.items():
        path = write(tmp_path_factory.mktemp(name))
        made[name] = (tracks_format, path)
    return made


@pytest.mark.parametrize("name", WRITERS)
def test_each_sound_file_is_read(sound, name):
    checked = check_tracks(sound[name][1], sound[name][0], FACTS, 2, SILENT)
    assert len(checked.outcomes) == 4
    assert checked.outcomes["lineage"].nunique() == 2
    assert checked.outcomes["parent_id"].notna().sum() == 2
    with_events = check_tracks(sound[name][1], sound[name][0], FACTS, 2, EVENTS)
    assert with_events.tracks.equals(checked.tracks)
    assert name in ("ctc", "coco") or not with_events.outcomes["outcome"].equals(checked.outcomes["outcome"])


def test_nothing_but_an_input_error_comes_out_of_any_file(sound, tmp_path):
    escaped, read = [], 0
    for number in range(N_INPUTS):
        chance = random.Random(number)
        tracks_format, source = sound[list(WRITERS)[number % len(WRITERS)]]
        folder = tmp_path / str(number)
        shutil.copytree(source.parent, folder)
        file = damage(folder / source.name, chance)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                check_tracks(
                    folder / source.name,
                    tracks_format,
                    FACTS,
                    2,
                    chance.choice([SILENT if tracks_format == "csv" else AS_IN_THE_FILE, EVENTS]),
                )
            read += 1
        except InputError as error:
            if str(folder) not in str(error) or "\n" in str(error):
                escaped.append(f"{number}: {tracks_format}, {file}: no one line that names the file: {error}")
        except Exception as error:
            escaped.append(f"{number}: {tracks_format}, {file}: {type(error).__name__}: {error}")
        shutil.rmtree(folder)
    assert not escaped, f"{len(escaped)} of {N_INPUTS}:\n" + "\n".join(escaped[:20])
    assert 0 < read < N_INPUTS
