import pytest

from cellfate.base.errors import InputError
from cellfate.tracks.outcomes import read_tracks
from cellfate.tracks.raw import RecordingFacts, outcomes_beside


def read(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text(text)
    return read_tracks(path, "napari", RecordingFacts("r", 10, (60, 80)), 2)


def test_napari_tracks_with_parents_and_fates(tmp_path):
    (tmp_path / "t_outcomes.csv").write_text("track_id,outcome,event_frame\n1,mitosis,2\n")
    tracks, outcomes = read(tmp_path, "track_id,t,z,y,x,parent\n1,0.0,0,5,7.5,\n1,1.0,0,6,8,\n2,2,0,7,9,1\n3,2,0,5,7,1\n")
    assert tracks[["track_id", "frame", "y", "x"]].values.tolist() == [[1, 0, 5, 7.5], [1, 1, 6, 8], [2, 2, 7, 9], [3, 2, 5, 7]]
    assert outcomes["parent_id"].fillna(-1).tolist() == [-1, 1, 1]
    assert outcomes["outcome"].tolist() == ["mitosis", "censored", "censored"]
    assert outcomes["lineage"].unique().tolist() == ["r/1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("track_id,t,y,x\n1,0,5,81\n", "line 2: x of track 1 is 81, outside the image"),
        ("track_id,t,y,x\n1,half,5,8\n", "line 2: t is 'half', a whole number"),
        ("track_id,frame,y,x\n1,0,5,8\n", "column t missing; needed are track_id, t, y, x"),
        ("track_id,t,z,y,x\n1,0,0,5,8\n1,1,2,5,8\n", "line 3: z is 2, 0 before"),
    ],
)
def test_bad_napari_tracks(tmp_path, text, message):
    with pytest.raises(InputError, match=f"t.csv: {message}"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("names", "recording", "words"),
    [
        (["A1", "A2"], "a1", "the column recording has 'A1', 'A2'; 'A1' differs in capital letters alone"),
        (["Well A1"], "well_A1", "'Well A1' differs in spaces, signs and capital letters alone"),
        (["B02"], "B2", "'B02' differs in zeros alone"),
        (["raw/A1.tif"], "A1", "'raw/A1.tif' differs in its ending alone"),
        (["plate_A1"], "plate_A7", "is 'plate_A1' meant"),
        (["x"], "A1", "the column recording has 'x'$"),
        ([""], "A1", "the column recording has ''$"),
        ([f"w{n}" for n in range(12)], "A1", "'w8', 'w9' and 2 more"),
    ],
)
@pytest.mark.parametrize("time", ["frame", "t"])
def test_a_table_of_other_recordings_names_them_and_the_likely_cause(tmp_path, names, recording, words, time):
    path = tmp_path / "t.csv"
    path.write_text(f"recording,track_id,{time},y,x\n" + "".join(f"{name},1,0,5,8\n" for name in names))
    with pytest.raises(InputError, match=f"t.csv: no row is of recording '{recording}': .*{words}"):
        read_tracks(path, "csv" if time == "frame" else "napari", RecordingFacts(recording, 10, (60, 80)), 2)


@pytest.mark.parametrize(
    ("path", "beside"),
    [
        ("a/b.c.csv", "a/b.c_outcomes.csv"),
        ("a/tracks.xml", "a/tracks_outcomes.csv"),
        ("a/01_RES", "a/01_RES_outcomes.csv"),
        ("a/well.A1", "a/well.A1_outcomes.csv"),
        ("a/tracks.geff/", "a/tracks_outcomes.csv"),
    ],
)
def test_outcomes_stand_beside_the_tracks(path, beside):
    assert str(outcomes_beside(path)) == beside
