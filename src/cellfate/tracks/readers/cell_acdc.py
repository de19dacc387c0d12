"""Tables of Cell-ACDC (Padovani et al. 2022, https://doi.org/10.1186/s12915-022-01372-6): ``..._acdc_output.csv``."""

from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.tracks.raw import EVENTS, FATES, LeftOut, RawTracks, RecordingFacts, lines, numbers, read_text, refuse_depth
from cellfate.tracks.readers.events import of_position, said_in, word_of, words_in
from cellfate.tracks.readers.parents import parent_number, unused_lineage
from cellfate.tracks.tables import CENSORED

DEAD, EXCLUDED, DIVISION = "is_cell_dead", "is_cell_excluded", "division"
_COLUMNS = {"needed": ("frame_i", "Cell_ID", "x_centroid", "y_centroid"), "optional": ("recording", "z_centroid", DEAD, EXCLUDED)}
_LINEAGE = ("relationship", "relative_ID", "division_frame_i", "Cell_ID_tree", "parent_ID_tree")
_FOLLOW = ("root_ID_tree", "sister_ID_tree", "generation_num", "generation_num_tree")  # columns that follow from those
_POSITION = "Position_n"


def read_cell_acdc(path: Path, facts: RecordingFacts) -> RawTracks:
    """Cell-ACDC's table of one position, or of several of which ``Position_n`` has the recording's name; pixels, frames from 0.

    Mothers are, where cells bud, the ``relative_ID`` while a cell's ``relationship`` is bud; where they divide into two, the
    ``parent_ID_tree``. Events are ``is_cell_dead`` from its first frame, and ``division``, in the frame of ``division_frame_i`` at which
    a cell divides (not the one of its birth) or, where it ends, the first frame of its daughters. Excluded cells are censored.
    """
    text = read_text(path, facts.name, **_COLUMNS, strict=False, keep=lambda _: True)
    if _POSITION in text:
        full = text[["experiment_foldername", _POSITION]].agg("_".join, axis=1) if "experiment_foldername" in text else text[_POSITION]
        text = of_position(text, _POSITION, (text[_POSITION], full), facts, path)
    refuse_depth(numbers(text["z_centroid"], path, empty=True), path, lines(text))
    names = {"track_id": "Cell_ID", "frame": "frame_i", "y": "y_centroid", "x": "x_centroid"}
    rows = pd.DataFrame({ours: numbers(text[name], path, whole=ours in ("track_id", "frame")) for ours, name in names.items()})
    rows = rows.assign(where=lines(text))
    marks = _marks(text, rows, path)
    mothers, left_out, symmetric = _mothers(marks)
    rows["parent_id"] = pd.array([mothers.get(track, pd.NA) for track in rows["track_id"]], dtype="Int64")
    deaths, risen = _deaths(marks, path)
    named, absent = said_in(text, rows, facts, path)
    exchanged = [_exchanged(path)] if (words_in(text.get("was_manually_edited", rows["where"])) == "-1").any() else []
    used = (*_FOLLOW, *(_LINEAGE if symmetric else _LINEAGE[:3]), *facts.event_columns)
    unused = [] if mothers else unused_lineage(_filled(text), used, None, path)
    events = pd.concat([named, deaths, _divisions(marks, mothers, symmetric)], ignore_index=True)
    return RawTracks(rows, _excluded(marks, path), tuple(left_out), (*exchanged, *risen, *absent, *unused), events)


def _exchanged(path: Path) -> str:
    return (
        f"{path}: was_manually_edited is -1: Cell-ACDC wrote such rows while it measured, not in its window, and there many versions put "
        "the row of a cell into x_centroid and its column into y_centroid. They are read as named: look whether the positions lie on cells"
    )


def _marks(text: pd.DataFrame, rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The rows in the order of frames with what Cell-ACDC says of each: dead, excluded, a bud, and the numbers of lineage."""
    told = text.reindex(columns=_LINEAGE, fill_value="")
    flags = {name: words_in(text[name]) == "1" for name in (DEAD, EXCLUDED)}
    relatives = {name: _whole(told[name], path) for name in _LINEAGE[1:]}
    return rows.assign(bud=told["relationship"].str.lower() == "bud", **relatives, **flags).sort_values("frame", kind="stable")


def _filled(text: pd.DataFrame) -> list[str]:
    """The columns that have a number from 0, a name or a mark: -1 is Cell-ACDC's none."""
    return [name for name in text if any(word_of(one) not in ("", "-1") for one in text[name].unique())]


def _whole(text: pd.Series, path: Path) -> pd.Series:
    """Whole numbers (Int64); NA for an empty cell and for a negative number, Cell-ACDC's none."""
    known: dict[str, object] = {}
    for row, value in text.drop_duplicates().items():
        try:
            number = parent_number(value)
        except ValueError as error:
            raise InputError(f"{path}: line {row + 2}: {text.name} is {value!r}, {error}; empty or -1 is none") from None
        known[value] = pd.NA if number is None else number
    return text.map(known).astype("Int64")


def _mothers(marks: pd.DataFrame) -> tuple[dict[int, int], list[LeftOut], bool]:
    """{cell: mother}, those of which the table names several, and whether the mothers are those of cells that divide into two.

    The numbers of the tree are cells only where each cell has its own number there: where cells bud they are cycles of cells.
    """
    tree = marks[marks["Cell_ID_tree"].notna()]
    symmetric = not marks["bud"].any() and bool((tree["Cell_ID_tree"] == tree["track_id"]).all())
    told = marks.assign(mother=marks["parent_ID_tree"]) if symmetric else marks[marks["bud"]].assign(mother=marks["relative_ID"])
    told = told[told["mother"].notna() & (told["mother"] != told["track_id"])]
    mothers, left_out = {}, []
    for track, own in told.groupby("track_id"):
        several = own.drop_duplicates("mother")
        if len(several) == 1:
            mothers[track] = int(several["mother"].iloc[0])
        else:
            shown = ", ".join(map(str, several["mother"]))
            reason = f"the mother of cell {track} is {shown} in its frames: none is taken"
            left_out.append(LeftOut("mother", several["where"].iloc[1], str(track), int(several["frame"].iloc[1]), reason))
    return mothers, left_out, symmetric and bool(mothers)


def _deaths(marks: pd.DataFrame, path: Path) -> tuple[pd.DataFrame, list[str]]:
    """The first frame in which each cell is dead, none for cells that are dead in their first; a warning about dead cells that live on."""
    events, risen = [], []
    for track, own in marks[marks["track_id"].isin(marks.loc[marks[DEAD], "track_id"])].groupby("track_id"):
        first = own[own[DEAD]].iloc[0]
        from_start = first["frame"] == own["frame"].iloc[0]
        where = f"{first['where']}, dead in its first frame" if from_start else first["where"]
        events.append((track, DEAD, DEAD, pd.NA if from_start else first["frame"], where))
        after = own[(own["frame"] > first["frame"]) & ~own[DEAD]]
        if len(after):
            risen.append(f"cell {track} is dead in frame {first['frame']} ({first['where']}), not in {after['frame'].iloc[0]}")
    warnings = [f"{path}: {len(risen)} cells are dead and live on, the first: {risen[0]}; the first frame counts"] if risen else []
    return pd.DataFrame(events, columns=EVENTS), warnings


def _divisions(marks: pd.DataFrame, mothers: dict[int, int], symmetric: bool) -> pd.DataFrame:
    """The first division of each cell, of which the frame is after its first."""
    born = marks.drop_duplicates("track_id").set_index("track_id")
    found = _by_daughters(born, mothers) if symmetric else _own_divisions(marks, born)
    rows = [(track, DIVISION, DIVISION, frame, where) for track, (frame, where) in found.items() if frame > born.at[track, "frame"]]
    return pd.DataFrame(rows, columns=EVENTS)


def _by_daughters(born: pd.DataFrame, mothers: dict[int, int]) -> dict[int, tuple[int, str]]:
    """{mother: (frame, where)}: the first that a daughter's row gives, or in which one is."""
    found: dict[int, tuple[int, str]] = {}
    for daughter, mother in mothers.items():
        told = born.at[daughter, "division_frame_i"]
        one = (int(born.at[daughter, "frame"] if pd.isna(told) else told), f"daughter {daughter}")
        if mother in born.index:
            found[mother] = min(found.get(mother, one), one)
    return found


def _own_divisions(marks: pd.DataFrame, born: pd.DataFrame) -> dict[int, tuple[int, str]]:
    """{cell: (frame, where)} by the cell's own rows; the first of a cell that was a bud is its birth."""
    told = marks[marks["division_frame_i"] > marks["track_id"].map(born["frame"])].drop_duplicates(["track_id", "division_frame_i"])
    buds = set(marks.loc[marks["bud"], "track_id"])
    found = {}
    for track, own in told.groupby("track_id"):
        own = own.iloc[1:] if track in buds else own
        if len(own):
            found[track] = (int(own["division_frame_i"].iloc[0]), own["where"].iloc[0])
    return found


def _excluded(marks: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Cells that somebody excluded from the analysis, as censored."""
    first = marks[marks[EXCLUDED]].drop_duplicates("track_id")
    rows = [
        (row.track_id, CENSORED, pd.NA, (), None, f"{row.where}, {EXCLUDED}", f"{EXCLUDED} from frame {row.frame} on: censored", str(path))
        for row in first.itertuples(index=False)
    ]
    return pd.DataFrame(rows, columns=FATES)
