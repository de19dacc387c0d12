import json
import re

import pytest

from cellfate.base.errors import InputError
from cellfate.recordings import published as published_module
from cellfate.recordings.published import dose_of, size_report, write_published_sheet
from cellfate.recordings.sheet import frames_arguments, images_folder, read_sheet, sheet_line, sheet_problems
from cellfate.recordings.tables import RECORDINGS
from cellfate.tracks.formats import track_files

COLUMNS = list(RECORDINGS.columns)
ROW = {
    "recording": "a1",
    "images": "i/a1",
    "tracks": "t/a1.csv",
    "tracks_format": "csv",
    "frame_interval_min": "30",
    "channels": "red,green",
}
PUBLISHED = [
    {"first": 1, "last": 46, "treatment": "cisplatin", "dose": "high"},
    {"first": 130, "last": 165, "treatment": "cisplatin", "dose": "medium"},
    {"first": 166, "last": 201, "treatment": "cisplatin", "dose": "low"},
    {"first": 274, "last": 309, "treatment": "none", "dose": "control"},
]


@pytest.fixture
def sheet(tmp_path):
    def write(*rows, columns=COLUMNS, name="s.tsv", separator="\t"):
        path = tmp_path / name
        rows = [ROW | {"images": f"i/{row.get('recording', 'a1')}"} | row for row in rows]
        lines = [separator.join(columns)] + [separator.join(str(row.get(column, "")) for column in columns) for row in rows]
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


def test_values_and_defaults(sheet):
    path = sheet({"treatment": "cisplatin", "dose": "5", "treatment_start_h": "48"}, {"recording": "B_2.x-1", "channels": " red , green"})
    table = read_sheet(path)
    assert table["recording"].tolist() == ["a1", "B_2.x-1"]
    assert table["treatment"].tolist() == ["cisplatin", "none"]
    assert table["dose"].tolist() == ["5", None]
    assert table["treatment_start_h"].fillna(-1).tolist() == [48, -1]
    assert table["channels"].tolist() == ["red,green", "red,green"]
    assert table["group"].isna().all()


def test_names_of_digits_keep_their_zeros_and_columns_may_be_left_out(sheet):
    columns = ["recording", "images", "frame_interval_min", "channels"]
    table = read_sheet(sheet({"recording": "001"}, columns=columns))
    assert table["recording"].tolist() == ["001"]
    assert table["tracks"].isna().all()
    assert list(table.columns) == COLUMNS


def test_a_csv_sheet_with_a_byte_order_mark_and_spaces(sheet):
    path = sheet(
        {"recording": " a1 ", "treatment": " "}, columns=[c for c in COLUMNS if c != "channels"] + ["channels"], name="s.csv", separator=";"
    )
    path.write_text("\ufeff" + path.read_text().replace("red,green", "phase").replace(";", ","), encoding="utf-8")
    table = read_sheet(path)
    assert table[["recording", "treatment", "channels"]].iloc[0].tolist() == ["a1", "none", "phase"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"recording": "a/1"}, "line 3: recording is 'a/1'"),
        ({"recording": "a 1"}, "line 3: recording is 'a 1'"),
        ({"recording": "..", "channels": "red,green"}, r"line 3: recording is '\.\.'"),
        ({"recording": "-rf"}, "line 3: recording is '-rf'"),
        ({"recording": ""}, "line 3: recording is empty"),
        ({"recording": "x"}, "line 3: recording x stands here for the second time"),
        ({"tracks": ""}, "line 3: tracks_format is 'csv', but tracks is empty; give both or neither"),
        ({"tracks_format": ""}, "line 3: tracks is 't/a1.csv', but tracks_format is empty"),
        ({"tracks_format": "excel"}, "line 3: tracks_format is 'excel', one of coco-video, csv"),
        ({"channels": "red,red"}, "line 3: channels is 'red,red'; each name may stand there once"),
        ({"channels": "red,"}, "line 3: channels is 'red,': '' is not a name"),
        ({"channels": "r/ed"}, "line 3: channels is 'r/ed': 'r/ed' is not a name"),
        ({"channels": "green,red"}, "line 3: channels is 'green,red', line 2 has 'red,green'"),
        ({"frame_interval_min": "0"}, "line 3: frame_interval_min is 0"),
        ({"frame_interval_min": "thirty"}, "line 3: frame_interval_min is 'thirty'"),
        ({"images": ""}, "line 3: images is empty"),
        ({"pixel_size_um": "-1"}, "line 3: pixel_size_um is -1"),
    ],
)
def test_a_bad_row_is_named(sheet, row, message):
    with pytest.raises(InputError, match=f"s.tsv: {message}"):
        read_sheet(sheet({"recording": "x"}, {"recording": "y"} | row))


def test_the_same_images_twice_would_put_cells_on_both_sides_of_a_split(sheet):
    path = sheet({}, {"recording": "b"}, {"recording": "c", "images": "i/a1"})
    with pytest.raises(InputError, match=r"s.tsv: line 4: images is 'i/a1', as in line 2"):
        read_sheet(path)


@pytest.mark.parametrize("again", ["./i/a1", "i/a1/", "i//a1", "i/../i/a1", "{absolute}/i/a1", "link/a1", "i/a1/t{time}.tif"])
def test_the_same_images_under_another_path(sheet, tmp_path, monkeypatch, again):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "i").mkdir()
    (tmp_path / "link").symlink_to("i")
    again = again.replace("{absolute}", str(tmp_path))
    for one, other in (("i/a1", again), (again, "i/a1")):
        path = sheet({"images": one}, {"recording": "b"}, {"recording": "c", "images": other})
        words = f"s.tsv: line 4: images is {other!r}, as in line 2 ({one!r}, the same place); the same cells would be in two recordings"
        with pytest.raises(InputError, match=re.escape(words)):
            read_sheet(path)


def test_patterns_beside_each_other_are_two_recordings(sheet):
    rows = [{"recording": f"r{k}", "images": f"i/{k}_t{{time}}.tif"} for k in range(2)]
    assert len(read_sheet(sheet(*rows, {"recording": "c", "images": "i/deeper"}))) == 3


ONE = "track_id,frame,y,x\n1,0,5,5\n1,1,5,5\n"
TWO = "recording,track_id,frame,y,x\na1,1,0,5,5\nb,1,0,5,5\n"
ACDC = "Position_n,frame_i,Cell_ID,x_centroid,y_centroid\nPosition_1,0,1,5,5\n"


@pytest.mark.parametrize(
    ("kind", "text", "refused"),
    [
        ("csv", ONE, "the column recording must say which is which"),
        ("csv", TWO.replace("b,", "a1,"), "the column recording must say"),
        ("csv", TWO, None),
        ("napari", ONE.replace("frame", "t"), "the column recording must say"),
        ("napari", TWO.replace("frame", "t"), None),
        ("cell-acdc", ACDC, "the column recording or Position_n must say"),
        ("cell-acdc", ACDC + "Position_2,0,1,5,5\n", None),
        ("celldetective", "position,TRACK_ID\nA/100,1\nA/101,1\n", None),
        ("celldetective", "TRACK_ID\n1\n2\n", "the column recording or position or pos_name must say"),
        ("trackmate", "<TrackMate/>", "two recordings$"),
        ("geff", "", "two recordings$"),
        ("coco-video", "{}", None),
    ],
)
def test_the_same_tracks_in_two_rows(sheet, tmp_path, monkeypatch, kind, text, refused):
    monkeypatch.chdir(tmp_path)
    path = sheet({"tracks": "all", "tracks_format": kind}, {"recording": "b", "tracks": "./all", "tracks_format": kind})
    assert len(read_sheet(path)) == 2  # of a file that is not there another check tells
    (tmp_path / "all").write_text(text)
    if refused is None:
        assert len(read_sheet(path)) == 2
        return
    with pytest.raises(InputError, match=r"s.tsv: line 3: tracks is './all', as in line 2 \('all', the same place\); .*" + refused):
        read_sheet(path)


def test_two_labels_of_one_channel_in_the_files(sheet):
    with pytest.raises(InputError, match="line 2: channel_labels is 'A, A'; each name may stand there once"):
        read_sheet(sheet({"channel_labels": "A, A"}))


@pytest.mark.parametrize("separator", [",", " "])
def test_other_separators_in_a_tsv_sheet_are_named(sheet, separator):
    with pytest.raises(InputError, match=r"s.tsv: line 1 has one column, .*; tabs are needed"):
        read_sheet(sheet({}, separator=separator))


def test_bad_sheets(sheet, tmp_path):
    with pytest.raises(InputError, match=r"none.tsv: no such file"):
        read_sheet(tmp_path / "none.tsv")
    with pytest.raises(InputError, match=r"s.tsv: no recordings in the sheet"):
        read_sheet(sheet())
    with pytest.raises(InputError, match=r"s.tsv: column channels missing"):
        read_sheet(sheet({}, columns=[c for c in COLUMNS if c != "channels"]))
    with pytest.raises(InputError, match=r"s.tsv: unknown column treatment_start; allowed are .*, treatment_start_h,"):
        read_sheet(sheet({}, columns=[c.replace("treatment_start_h", "treatment_start") for c in COLUMNS]))
    with pytest.raises(InputError, match=r"s.tsv: unknown column notes"):
        read_sheet(sheet({}, columns=[*COLUMNS, "notes"]))
    (tmp_path / "s.tsv").write_text("")
    with pytest.raises(InputError, match=r"s.tsv: the sheet is empty"):
        read_sheet(tmp_path / "s.tsv")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1, ("cisplatin", "high")), (46, ("cisplatin", "high")), (47, ("unknown", None)), (129, ("unknown", None)),
        (130, ("cisplatin", "medium")), (165, ("cisplatin", "medium")), (166, ("cisplatin", "low")), (201, ("cisplatin", "low")),
        (202, ("unknown", None)), (273, ("unknown", None)), (274, ("none", "control")), (309, ("none", "control")),
        (310, ("unknown", None)),
    ],
)  # fmt: skip
def test_published_doses(number, expected):
    assert dose_of(f"{number:03d}", PUBLISHED) == expected


def test_bad_doses():
    with pytest.raises(InputError, match=r"recording 'A1' of the annotations is not a number"):
        dose_of("A1", PUBLISHED)
    with pytest.raises(InputError, match=r"recording 046 is in 2 ranges"):
        dose_of("046", [*PUBLISHED, {"first": 40, "last": 50, "treatment": "x", "dose": "y"}])


def annotations(path, names, n_images=3):
    images = [{"id": f"{name}{f}", "video_id": name, "frame_id": f} for name in names for f in range(n_images)]
    boxes = [
        {"id": i, "image_id": image["id"], "category_id": 1, "bbox": [0.5, 0.5, 0.1, 0.1], "cell_id": 1}
        | {"time_of_death": None, "time_of_division": None}
        for i, image in enumerate(images)
    ]
    path.write_text(json.dumps({"videos": [{"id": n, "name": n} for n in names], "images": images, "annotations": boxes}))


def published(tmp_path, names):
    annotations(tmp_path / "annotations.json", names)
    folder = tmp_path / "d"
    return write_published_sheet(
        tmp_path / "annotations.json",
        folder / "recordings.tsv",
        folder / "annotations",
        channels=["circadian", "p53", "cell_cycle"],
        doses=PUBLISHED,
        treatment_start_h=48,
        frame_interval_min=30,
    )


def test_the_published_sheet(tmp_path, capsys):
    table = published(tmp_path, ["300", "001", "047"])
    assert table["recording"].tolist() == ["001", "047", "300"]
    assert table["treatment"].tolist() == ["cisplatin", "unknown", "none"]
    assert table["dose"].tolist() == ["high", None, "control"]
    assert table["treatment_start_h"].fillna(-1).tolist() == [48, -1, -1]
    assert table["images"][0] == str(tmp_path / "d/images/001")
    assert json.loads((tmp_path / "d/annotations/047.json").read_text())["videos"] == [{"id": "047", "name": "047"}]
    assert table["tracks"][1] == str(tmp_path / "d/annotations/047.json")
    again = read_sheet(tmp_path / "d/recordings.tsv")
    assert again.astype(object).where(again.notna(), None).equals(table.astype(object).where(table.notna(), None))
    assert "3 recordings, 9 frames: the images are about 56.6 MB uncompressed" in capsys.readouterr().err


def test_too_little_space_is_said_with_the_sheet(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(published_module, "free_space", lambda folder: 10**6)
    published(tmp_path, ["001"])
    assert "NOT ENOUGH SPACE" in capsys.readouterr().err


def test_the_published_size():
    text = size_report(274, 274 * 186, 1024 * 1024 * 6, free=10**12)
    assert "about 321 GB uncompressed" in text
    assert "NOT ENOUGH" not in text


def test_files_of_the_tracks(tmp_path):
    path = str(tmp_path / "t.csv")
    assert track_files(path, "csv") == [path]
    (tmp_path / "t_outcomes.csv").write_text("")
    assert track_files(path, "csv") == [path, str(tmp_path / "t_outcomes.csv")]
    assert track_files(path, "coco-video") == [path]


def test_labels_of_the_channels_in_the_files(sheet):
    table = read_sheet(sheet({"channel_labels": "mCherry, GFP 488"}, {"recording": "b"}))
    assert table["channel_labels"].tolist() == ["mCherry,GFP 488", None]
    with pytest.raises(InputError, match="line 2: channel_labels is 'mCherry', one is needed for each of the channels 'red,green'"):
        read_sheet(sheet({"channel_labels": "mCherry"}))


@pytest.mark.parametrize("images", ["a/{time}/{chanel}.tif", "a/{time}_{time}.tif", "a/{time.tif", "a/{}.tif"])
def test_patterns_with_other_braces_are_refused(sheet, images):
    with pytest.raises(InputError, match=re.escape(f"line 2: images is {images!r}; in braces only {{channel}} and {{time}}")):
        read_sheet(sheet({"images": images}))


def test_what_must_exist_of_the_images(sheet):
    pattern = "a/b/x_{channel}_t{time}.tif"
    assert read_sheet(sheet({"images": pattern}))["images"].tolist() == [pattern]
    assert images_folder(pattern) == "a/b"
    assert images_folder("{channel}_{time}.tif") == "."
    assert images_folder("a/{channel}/{time}.tif") == "a"
    assert images_folder("a/b.tif") == "a/b.tif"


def test_a_row_behind_a_hash_is_left_out_and_lines_are_counted_with_it(sheet):
    path = sheet({}, {"recording": "b1"}, {"recording": "c1"}, {"recording": "d1"})
    lines = path.read_text().splitlines()
    lines[2] = "# " + lines[2]
    path.write_text("\n".join(["# wells of plate 7", *lines]) + "\n")
    assert read_sheet(path)["recording"].tolist() == ["a1", "c1", "d1"]
    path.write_text("\n".join(["# wells of plate 7", *lines[:-1], lines[-1].replace("d1", "c1")]) + "\n")
    with pytest.raises(InputError, match="line 6: recording c1 stands here for the second time"):
        read_sheet(path)
    path.write_text("\n".join([lines[0], *("#" + line for line in lines[1:])]) + "\n")
    with pytest.raises(InputError, match="no recordings in the sheet"):
        read_sheet(path)


def test_every_problem_of_a_sheet_is_listed_and_reading_raises_the_first(sheet):
    path = sheet(
        {"recording": "a/1", "frame_interval_min": ""},
        {"recording": "b", "tracks": "", "channels": "red,red"},
        {"recording": "b", "pixel_size_um": "-1", "frame_interval_min": "soon"},
    )
    path.write_text("# wells of plate 7\n" + path.read_text())
    found = [problem.removeprefix(f"{path}: ") for problem in sheet_problems(path)]
    assert [text.split(",")[0] for text in found] == [
        "line 3: frame_interval_min is empty",
        "line 5: frame_interval_min is 'soon'",
        "line 5: pixel_size_um is -1.0",
        "line 5: recording b stands here for the second time",
        "line 3: recording is 'a/1'",
        "line 4: tracks_format is 'csv'",
        "line 4: channels is 'red",
        "line 5: images is 'i/b'",
        "line 4: channels is 'red",
    ]
    with pytest.raises(InputError, match=re.escape(found[0])):
        read_sheet(path)


def test_the_line_of_a_row_counts_those_that_are_left_out(sheet):
    path = sheet({}, {"recording": "b"})
    assert [sheet_line(read_sheet(path), row) for row in (0, 1)] == [2, 3]
    path.write_text("# plate 7\n" + path.read_text())
    assert [sheet_line(read_sheet(path), row) for row in (0, 1)] == [3, 4]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "\n",
        lambda text: text + "\t\t\t\n \t \n\n",
        lambda text: text.replace("\n", "\n\n", 1),
        lambda text: "\n" + text,
        lambda text: text.replace("\n", "\t\t\n"),
        lambda text: text.replace("\n", "\t \t\n").replace("\t \t\n", "\n", 1),
        lambda text: "\n".join(f"\t{line}" for line in text.splitlines()),
        lambda text: text.replace("\n", "\r\n") + "\r\n",
        lambda text: text.replace("\n", "\r"),
    ],
)
def test_empty_rows_and_empty_columns_are_passed_over(sheet, change):
    path = sheet({}, {"recording": "b"})
    expected = read_sheet(path)
    path.write_bytes(change(path.read_text()).encode())
    found = read_sheet(path)
    assert found.equals(expected)
    assert list(found.columns) == COLUMNS


def test_lines_are_those_of_the_file_also_below_empty_rows(sheet):
    path = sheet({}, {"recording": "b"}, {"recording": "b c"})
    path.write_text(path.read_text().replace("\nb\t", "\n\n# a note\nb\t"))
    with pytest.raises(InputError, match=r"s\.tsv: line 6: recording is 'b c'"):
        read_sheet(path)


def test_a_value_in_a_column_without_a_name_is_no_empty_column(sheet):
    path = sheet({}, {"recording": "b"})
    path.write_text(path.read_text().rstrip("\n") + "\t\tlook again\n")
    with pytest.raises(InputError, match=r"s\.tsv: line 3: 'look again' stands in column 15, which has no name in the first line"):
        read_sheet(path)
    path.write_text(path.read_text().replace("\t\tlook again", "").replace("group", "dose"))
    with pytest.raises(InputError, match=r"s\.tsv: line 1: the column dose stands there 2 times"):
        read_sheet(path)


def test_a_sheet_in_another_encoding_and_a_folder(sheet):
    path = sheet({})
    path.write_bytes(path.read_text().encode("utf-16"))
    with pytest.raises(InputError, match=r"s\.tsv: not readable as a table: .* save it as text in UTF-8"):
        read_sheet(path)
    with pytest.raises(InputError, match="a folder, a recordings sheet"):
        read_sheet(path.parent)


def test_the_last_image_that_counts(sheet):
    table = read_sheet(sheet({"last_image": "19"}, {"recording": "b"}))
    arguments = [frames_arguments(row.images, row.channels, row.channel_labels, row.last_image) for row in table.itertuples()]
    assert [one.get("last_image") for one in arguments] == [19, None]
    assert "last_image" not in arguments[1]
    with pytest.raises(InputError, match=r"line 2: last_image is 2\.5, a whole number is needed"):
        read_sheet(sheet({"last_image": "2.5"}))


@pytest.mark.parametrize("text", ["</script><script>alert(1)</script>", "<!-- low"])
def test_text_that_a_page_would_take_for_markup_is_refused_with_its_line(text, tmp_path):
    path = tmp_path / "sheet.tsv"
    path.write_text(f"recording\timages\tframe_interval_min\ttreatment\nr1\tx\t30\tnone\nr2\ty\t30\t{text}\n")
    with pytest.raises(InputError, match=r"sheet\.tsv: line 3: .*markup"):
        read_sheet(path)
