"""Ready-made crops before a run: `cellfate check`, and settings that need whole frames."""

import pytest
import yaml
from toy_movies import save_movie, write_cells, write_movie

from cellfate.base.errors import InputError
from cellfate.planning.checking.project import check_project
from cellfate.planning.checks import checked_cells, checked_sheet
from cellfate.planning.config_files import DEFAULTS, merged
from cellfate.planning.targets import Targets
from cellfate.recordings.cells import caveat

MINE = {
    "dataset": "mine",
    "recordings": "cells.tsv",
    "source": {"kind": "crops"},
    "crops": {"size": 16},
    "model": {"input_size": 16},
    "segmentation": {"channel": "nuclei"},
    "evaluation": {"treatment": None},
    "split": {"unit": "lineage", "fractions": [0.5, 0.25, 0.25]},
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Write movies, sheet and settings; ``rows`` change rows by their place, and ``more`` the settings."""
    monkeypatch.chdir(tmp_path)

    def written(rows=None, **more):
        cells = []
        for number in range(8):
            write_movie(tmp_path / f"{number}.tif", 14, seed=number)
            cells.append({"outcome": "apoptosis" if number % 2 else "mitosis", "event_frame": 13} | (rows or {}).get(number, {}))
        write_cells(tmp_path / "cells.tsv", cells)
        (tmp_path / "my.yaml").write_text(yaml.safe_dump(merged(MINE, more)))
        return tmp_path / "my.yaml"

    return written


def config_of(path) -> dict:
    return merged(yaml.safe_load(DEFAULTS.read_text()), yaml.safe_load(path.read_text()))


def test_a_sound_sheet(project):
    checked = check_project(project())
    assert checked.problems == checked.warnings == checked.left_out == []
    (one,) = checked.recordings
    assert (one.name, one.n_frames, one.shape, one.dtype, one.channels) == ("dish1", 112, (16, 16), "uint16", ("phase", "nuclei"))
    assert one.outcomes == {"mitosis": 4, "apoptosis": 4}


def test_every_problem_of_the_movies_with_its_line(project, tmp_path):
    path = project({0: {"event_frame": 40}, 2: {"movie": "none.tif"}, 6: {"movie": "copy.tif"}})
    save_movie(tmp_path / "copy.tif", write_movie(tmp_path / "5.tif", 14, seed=5))
    write_movie(tmp_path / "3.tif", 14, (12, 16))
    problems = check_project(path).problems
    assert [problem.split(": ")[1] for problem in problems] == ["line 4", "line 2", "line 5", "line 8"]
    assert "does not exist" in problems[0]
    assert "event_frame is 40" in problems[1]
    assert "12 x 16 pixels, crops.size is 16" in problems[2]
    assert "same images" in problems[3]


def test_the_same_images_in_two_recordings(project, tmp_path):
    path = project({1: {"recording": "dish2"}})
    save_movie(tmp_path / "1.tif", write_movie(tmp_path / "0.tif", 14))
    (problem,) = check_project(path).problems
    assert "line 3: cell 1: its movie has the same images as that of cells.tsv: line 2: cell 0" in problem


def test_problems_of_many_movies_are_counted(project, tmp_path):
    path = project(crops={"size": 20})
    write_cells(tmp_path / "cells.tsv", [{"movie": f"{number}.tif"} for number in range(25)])
    for number in range(25):
        write_movie(tmp_path / f"{number}.tif", seed=number)
    problems = check_project(path).problems
    assert len(problems) == 21
    assert problems[-1] == "cells.tsv: 5 more of 25 movies have a problem"


def test_problems_of_the_sheet_come_before_the_movies(project):
    checked = check_project(project({1: {"movie": "0.tif"}, 4: {"event_frame": -1}}))
    assert len(checked.problems) == 2
    assert checked.left_out == ["cells.tsv: the movies were not opened, as its own problems come first"]


def test_short_movies_and_those_without_recording_are_warnings(project, tmp_path):
    path = project({number: {"recording": None} for number in range(8)})
    write_movie(tmp_path / "6.tif", 5, seed=6)
    write_cells(
        tmp_path / "cells.tsv", [{"recording": None, "event_frame": None, "outcome": ["mitosis", "apoptosis"][n % 2]} for n in range(8)]
    )
    checked = check_project(path)
    assert checked.problems == []
    assert "names no recordings" in checked.warnings[0]
    assert "1 of 8 movies are not longer than 10 frames" in checked.warnings[1]
    assert "8 of 8 cells of recording movies with an outcome have no event_frame" in checked.warnings[2]


def test_the_selection_is_tried_as_a_run_does(project):
    (problem,) = check_project(project({number: {"outcome": "mitosis"} for number in range(8)})).problems
    assert "both outcomes are needed" in problem


def test_a_cells_sheet_alone(project, tmp_path):
    project()
    checked = check_project(tmp_path / "cells.tsv")
    assert checked.problems == []
    assert len(checked.recordings) == 1
    assert "whether movies have the size of the crops" in checked.left_out[0]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"segmentation": {"whole_frames_from": 2}}, "segmentation.whole_frames_from is 2, ready-made crops"),
        (
            {"registration": {"method": "phase_cross_correlation", "channel": "phase"}},
            "registration.method is .* no whole frames",
        ),
        ({"tracks": {"outcomes_from": {"divisions": "mitosis"}}}, "tracks.outcomes_from.divisions is 'mitosis', ready-made crops"),
        ({"prediction": {"model": "model"}}, "prediction.model is 'model', snakemake predict reads whole recordings"),
        (
            {"split": {"unit": "recording"}},
            r"cells.tsv has 1 recordings, as its column recording names them, and 3",
        ),
        ({"source": {"other_sizes": "stretch"}}, "source.other_sizes is 'stretch', one of refuse, centre, resize"),
    ],
)
def test_settings_that_do_not_go_with_ready_made_crops(project, more, words):
    path = project(**more)
    with pytest.raises(InputError, match=words):
        checked_sheet(config_of(path), [DEFAULTS, path])
    assert [problem for problem in check_project(path).problems if "ready-made" in problem or "source" in problem or "split" in problem]


def test_a_movie_that_is_not_there_stops_the_plan(project):
    path = project({3: {"movie": "none.tif"}})
    with pytest.raises(InputError, match=r"cells.tsv: line 5: movie is 'none.tif', which does not exist"):
        checked_sheet(config_of(path), [DEFAULTS, path])


def test_targets_of_ready_made_crops(project):
    config = config_of(project({number: {"recording": None} for number in range(8)}))
    cells = checked_cells(config)
    targets = Targets(config, checked_sheet(config, [DEFAULTS]), [DEFAULTS], caveat(cells, "cells.tsv"))
    assert (targets.recordings, targets.tracked, targets.untracked, targets.ready_made) == (["movies"], [], [], ["movies"])
    assert "results/mine/corrected/summary.html" in targets.everything()
    assert not [file for file in targets.everything() if "tracking" in file or "drift" in file]
    assert "WARNING: cells.tsv names no recordings" in targets.note()
    with pytest.raises(InputError, match="snakemake predict reads whole recordings"):
        targets.predictions()
