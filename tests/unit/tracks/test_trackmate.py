import pytest

from cellfate.base.errors import InputError
from cellfate.tracks.outcomes import read_tracks
from cellfate.tracks.raw import RecordingFacts, edges_beside

# spot: (frame, x, y) in the file's unit; 4 divides into 5 and 6; 9 is in no track, track 1 is filtered out
SPOTS = {2: (0, 10, 20), 4: (1, 12, 22), 5: (2, 11, 20), 6: (3, 13, 24), 8: (3, 11, 19), 9: (0, 1, 1), 20: (0, 30, 30), 21: (1, 31, 31)}
EDGES = {0: [(2, 4), (4, 5), (4, 6), (8, 5)], 1: [(20, 21)]}


def xml(tmp_path, unit="pixel", spots=SPOTS, edges=EDGES, image=""):
    elements = "".join(
        f'<SpotsInFrame frame="{t}"><Spot ID="{spot}" FRAME="{t}" POSITION_X="{x}" POSITION_Y="{y}"/></SpotsInFrame>'
        for spot, (t, x, y) in spots.items()
    )
    tracks = "".join(
        f'<Track TRACK_ID="{track}">' + "".join(f'<Edge SPOT_SOURCE_ID="{a}" SPOT_TARGET_ID="{b}"/>' for a, b in pairs) + "</Track>"
        for track, pairs in edges.items()
    )
    path = tmp_path / "t.xml"
    path.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?><TrackMate version="7.11"><Model spatialunits="{unit}" timeunits="sec">'
        f"<AllSpots>{elements}</AllSpots><AllTracks>{tracks}</AllTracks>"
        f'<FilteredTracks><TrackID TRACK_ID="0"/></FilteredTracks></Model><Settings>{image}</Settings></TrackMate>'
    )
    return path


def read(path, **facts):
    return read_tracks(path, "trackmate", RecordingFacts("r", 10, (60, 80), **facts), 2)


def test_xml_is_cut_at_divisions(tmp_path):
    (tmp_path / "t_outcomes.csv").write_text("track_id,outcome,event_frame\n2,mitosis,2\n")
    tracks, outcomes = read(xml(tmp_path))
    assert tracks[["track_id", "frame", "y", "x"]].values.tolist() == [
        [2, 0, 20, 10],
        [2, 1, 22, 12],
        [5, 2, 20, 11],
        [5, 3, 19, 11],
        [6, 3, 24, 13],
    ]
    assert outcomes["parent_id"].fillna(-1).tolist() == [-1, 2, 2]
    assert outcomes["outcome"].tolist() == ["mitosis", "censored", "censored"]


def test_micrometres_become_pixels(tmp_path):
    tracks, _ = read(xml(tmp_path, "micron", image='<ImageData pixelwidth="0.5"/>'), pixel_size_um=0.5)
    assert tracks[["y", "x"]].iloc[0].tolist() == [40, 20]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"unit": "micron"}, "positions are in micron, so the sheet must give pixel_size_um for recording r"),
        ({"unit": "inch"}, "positions are in 'inch', pixels or micrometres"),
        ({"spots": SPOTS | {4: (1, "left", 3)}}, "Spot 4: POSITION_X is 'left', a number is needed"),
        ({"spots": SPOTS | {4: (0.5, 1, 3)}}, "spot 4: FRAME is 0.5, a whole number"),
        ({"edges": {0: [(2, 99)]}}, "a link names 99, there is no such detection"),
        ({"edges": {0: [(2, 5), (4, 5)]}}, "5 follows both 2 and 4: tracks that merge"),
        ({"edges": {0: []}}, "recording r is empty: no tracks"),
    ],
)
def test_bad_xml(tmp_path, changed, message):
    with pytest.raises(InputError, match=f"t.xml: {message}"):
        read(xml(tmp_path, **changed))


def test_a_pixel_size_that_is_not_the_sheets(tmp_path):
    with pytest.raises(InputError, match=r"pixelwidth is 0.5, but the sheet says pixel_size_um 0.65"):
        read(xml(tmp_path, "um", image='<ImageData pixelwidth="0.5"/>'), pixel_size_um=0.65)


@pytest.mark.parametrize(
    ("unit", "width", "sheet", "message"),
    [
        ("um", "0.65", 1, "pixelwidth is 0.65, but the sheet says pixel_size_um 1 for recording r"),
        ("µm", "0,65", 0.65, "ImageData: pixelwidth is '0,65', a number above 0 is needed: a decimal comma"),
        ("um", "nan", 0.65, "ImageData: pixelwidth is 'nan', a number above 0"),
        ("um", "0", 0.65, "ImageData: pixelwidth is '0', a number above 0"),
        (
            "pixel",
            "0.65",
            None,
            "said to be in pixel, but are scaled by pixelwidth 0.65; for recording r the sheet's pixel_size_um gives none",
        ),
        ("pixel", "0.65", 1, "said to be in pixel, but are scaled by pixelwidth 0.65; for recording r the sheet's pixel_size_um says 1"),
        ("", "2", 0.65, "said to be in no unit, but are scaled by pixelwidth 2"),
    ],
)
def test_a_pixel_size_that_does_not_agree_is_refused_whatever_the_unit_is_called(tmp_path, unit, width, sheet, message):
    path = xml(tmp_path, unit, image=f'<ImageData pixelwidth="{width}" pixelheight="{width}"/>')
    with pytest.raises(InputError, match=f"t.xml: .*{message}"):
        read(path, pixel_size_um=sheet)


def test_a_pixel_that_is_no_square_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"pixelheight is 0.7, but the sheet says pixel_size_um 0.65"):
        read(xml(tmp_path, "um", image='<ImageData pixelwidth="0.65" pixelheight="0.7"/>'), pixel_size_um=0.65)


def test_pixels_that_are_scaled_are_read_by_the_size_that_both_give(tmp_path):
    image = '<ImageData pixelwidth="0.5" pixelheight="0.5"/>'
    assert read(xml(tmp_path, "pixel", image=image), pixel_size_um=0.5)[0][["y", "x"]].iloc[0].tolist() == [40, 20]
    assert read(xml(tmp_path, "pixel", image='<ImageData pixelwidth="1.0"/>'), pixel_size_um=0.5)[0]["y"].iloc[0] == 20


@pytest.mark.parametrize("spot", ['<Spot ID="77" POSITION_X="4"/>', '<Spot name="none"/>', '<Spot ID="x" FRAME="zero"/>'])
def test_a_spot_in_no_track_is_passed_over_whatever_it_lacks(tmp_path, spot):
    path = xml(tmp_path)
    path.write_text(path.read_text().replace("</SpotsInFrame>", f"{spot}</SpotsInFrame>", 1))
    assert len(read(path)[0]) == 5


def test_spots_above_2_to_the_53_stay_apart(tmp_path):
    big = 2**53
    spots = {big: (0, 10, 20), big + 1: (0, 30, 40), big + 2: (1, 11, 20), big + 3: (1, 31, 40)}
    _, outcomes = read(xml(tmp_path, spots=spots, edges={0: [(big, big + 2), (big + 1, big + 3)]}))
    assert outcomes["track_id"].tolist() == [big, big + 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<Tracks/>", "<TrackMate> with a <Model> is needed"),
        ("<Track", "not readable as XML"),
        ('<?xml version="1.0" encoding="none"?><TrackMate/>', "not readable as XML"),
    ],
)
def test_another_file(tmp_path, text, message):
    path = tmp_path / "t.xml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read(path)


HEADER = (
    "LABEL,ID,TRACK_ID,QUALITY,POSITION_X,POSITION_Y,FRAME\nLabel,Spot ID,Track ID,Quality,X,Y,Frame\n"
    "Label,Spot ID,Track ID,Quality,X,Y,Frame\n,,,(quality),({unit}),({unit}),\n"
)


def table(tmp_path, body, unit="pixel"):
    path = tmp_path / "well_spots.csv"
    path.write_text(HEADER.format(unit=unit) + body)
    return path


def test_spots_below_four_header_rows(tmp_path):
    body = "ID7,7,0,1,11,21,1\nID5,5,0,1,10,20,0\nID6,6,,1,1,1,0\nID8,8,1,1,15,25,0\nID9,9,0,1,12,22,4\n"
    tracks, outcomes = read(table(tmp_path, body, "micron"), pixel_size_um=0.5)
    assert outcomes["track_id"].tolist() == [5, 8]
    assert tracks.loc[tracks["track_id"] == 5, ["frame", "y", "x"]].values.tolist() == [[0, 40, 20], [1, 42, 22], [4, 44, 24]]


DIVIDING = "ID1,1,0,1,10,20,0\nID2,2,0,1,9,20,1\nID3,3,0,1,12,20,1\n"


def test_the_table_of_edges_of_spots_under_any_name_is_another_file(tmp_path):
    assert edges_beside("d/well_Spots.csv").name == "well_edges.csv"
    path = table(tmp_path, DIVIDING).rename(tmp_path / "dishA.csv")
    with pytest.raises(InputError, match=r"put TrackMate's table of edges beside it \(dishA_edges.csv\)"):
        read(path)
    (tmp_path / "dishA_edges.csv").write_text("SPOT_SOURCE_ID,SPOT_TARGET_ID\nS,T\nS,T\n,\n1,2\n1,3\n")
    assert read(path)[1]["parent_id"].fillna(-1).tolist() == [-1, 1, 1]


def test_divisions_need_the_table_of_edges(tmp_path):
    path = table(tmp_path, DIVIDING)
    with pytest.raises(InputError, match=r"line 7: track 0 has a second spot in frame 1, so it divides.*well_edges.csv"):
        read(path)
    edges_beside(path).write_text(
        "LABEL,TRACK_ID,SPOT_SOURCE_ID,SPOT_TARGET_ID\nLabel,Track ID,Source,Target\nLabel,Track,S,T\n,,,\ne,0,1,2\ne,0,1,3\n"
    )
    _, outcomes = read(path)
    assert outcomes["parent_id"].fillna(-1).tolist() == [-1, 1, 1]


@pytest.mark.parametrize(
    ("body", "unit", "message"),
    [
        ("ID1,1,0,1,ten,20,0\n", "pixel", "line 5: POSITION_X is 'ten', a number is needed"),
        ("ID1,1,0,1,10,20,0\nID1,1,0,1,10,20,1\n", "pixel", "line 6: ID 1 stands there for the second time"),
        ("ID1,1,0,1,10,20,0\n", "micron", r"positions are in \(micron\), so the sheet must give pixel_size_um"),
        ("ID1,1,0,1,10,20,12\n", "pixel", "line 5: frame of track 1 is 12, the recording's frames are 0 to 9"),
    ],
)
def test_bad_spots(tmp_path, body, unit, message):
    with pytest.raises(InputError, match=f"well_spots.csv: {message}"):
        read(table(tmp_path, body, unit))


def test_spots_without_units(tmp_path):
    path = tmp_path / "spots.csv"
    path.write_text("LABEL,ID,TRACK_ID,POSITION_X,POSITION_Y,FRAME\n" + "".join(f"ID{i},{i},0,1,1,{i}\n" for i in range(5)))
    with pytest.raises(InputError, match=r"spots.csv: line 2: the rows with names and units below the header are missing"):
        read(path)


# lineage 3 divides into tracks 50, 52 and 53 here; lineages 50 and 4 are one track each
LINEAGES = {number: (frame, 10 + number % 7, 20) for number, frame in ((50, 0), (52, 1), (53, 1), (60, 0), (61, 1), (70, 0), (71, 1))}


def of_lineages(tmp_path, fates):
    path = xml(tmp_path, spots=LINEAGES, edges={3: [(50, 52), (50, 53)], 50: [(60, 61)], 4: [(70, 71)]})
    kept = "".join(f'<TrackID TRACK_ID="{one}"/>' for one in (3, 50, 4))
    path.write_text(path.read_text().replace('<TrackID TRACK_ID="0"/>', kept))
    (tmp_path / "t_outcomes.csv").write_text(fates)
    return path


def test_rows_by_track_id_of_lineages_are_one_error_that_says_which_numbers_tracks_have(tmp_path):
    path = of_lineages(tmp_path, "track_id,outcome,event_frame\n60,dead,1\n3,dead,1\n4,dead,1\n")
    with pytest.raises(InputError) as raised:
        read(path)
    said = "line 3: track_id is 3, there is no such track (2 of 3 rows are such); the tracks here are 50, 52, 53, 60, 70; a track here has"
    assert str(raised.value).startswith(
        f"{tmp_path / 't_outcomes.csv'}: {said} the ID of its first spot, which TrackMate's TRACK_ID is not"
    )


def test_numbers_that_are_tracks_and_lineages_are_worth_a_look(tmp_path, capsys):
    read(of_lineages(tmp_path, "track_id,outcome,event_frame\n50,dead,1\n"))
    assert "each track_id is a track here and a TRACK_ID of TrackMate too, of another cell" in capsys.readouterr().err
    read(of_lineages(tmp_path, "track_id,outcome,event_frame\n50,dead,1\n60,dead,1\n"))
    assert "TRACK_ID" not in capsys.readouterr().err


def test_a_column_track_id_in_capitals_is_by_lineage(tmp_path):
    _, outcomes = read(of_lineages(tmp_path, "TRACK_ID,outcome,event_frame\n50,dead,1\n4,alive,1\n"))
    assert outcomes.loc[outcomes["track_id"].isin([60, 70]), "outcome"].tolist() == ["dead", "alive"]
    for row, words in (
        ("3,dead,1", "line 2: TRACK_ID is 3, its cells divide, so that it is several tracks: 50, 52, 53; write"),
        ("9,dead,1", "line 2: TRACK_ID is 9, there is no such TRACK_ID in the file of tracks"),
    ):
        with pytest.raises(InputError, match=words):
            read(of_lineages(tmp_path, f"TRACK_ID,outcome,event_frame\n{row}\n"))


def test_a_column_track_id_in_capitals_beside_a_table_of_spots(tmp_path):
    path = table(tmp_path, "ID7,7,0,1,11,21,1\nID5,5,0,1,10,20,0\nID8,8,1,1,15,25,0\n")
    (tmp_path / "well_spots_outcomes.csv").write_text("TRACK_ID,outcome,event_frame\n1,dead,0\n")
    _, outcomes = read(path)
    assert outcomes["outcome"].tolist() == ["censored", "dead"]
