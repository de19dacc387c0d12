"""Simulated recordings whose truth is known in every pixel: who divides, who dies, and when it became visible where.

``simulate_recording`` plans the cells and their fates, moves them, draws every frame and returns images, masks and tables;
``cellfate.simulation.files`` writes them as the files that users have. Random numbers come from separate streams for plan,
motion, optics and every single cell, so that fates change nothing but what their effects show.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from zlib import crc32

import numpy as np
import pandas as pd
from scipy.ndimage import find_objects

from cellfate.base.errors import InputError
from cellfate.base.progress import progress
from cellfate.simulation.motion import place_cells, push, stage_drift, walk, wall_push
from cellfate.simulation.programmes import (
    LOSS,
    MOTION,
    TRACKED,
    Cell,
    Conditions,
    Programme,
    cells_in_frame,
    grade_effects,
    is_mother,
    programme,
    stream,
)
from cellfate.simulation.render import expose, illumination, medium, render_cells, texture_bank
from cellfate.simulation.settings import APOPTOSIS, CHANNELS, FATE_EFFECTS, MITOSIS, UNTREATED, SimulationSettings, simulation_settings

PLAN, PLACES, STAGE, OPTICS, NOISE, INTENSITIES = range(6)  # random streams of a recording


@dataclass(frozen=True)
class SimulatedRecording:
    """One recording in memory.

    ``images`` (T, H, W, 3) uint16, colours in the order of ``CHANNELS``; ``masks`` (T, H, W) uint16, the track's id in every
    pixel of its body, 0 outside; ``tracks``: track_id, frame, y, x (centroid of the mask, pixels), box_height, box_width;
    ``cells``: one row per track, see ``cell_table``; ``attributes``: recording, treatment, seed, settings and so on.
    """

    images: np.ndarray
    masks: np.ndarray
    tracks: pd.DataFrame
    cells: pd.DataFrame
    attributes: dict


@dataclass(frozen=True)
class Intensities:
    """What a recording's channels have of their own, each (C,): ``gain`` and ``background`` are factors, ``offset`` is in counts."""

    gain: np.ndarray
    offset: np.ndarray
    background: np.ndarray


def simulate_recording(
    recording: str,
    settings: SimulationSettings | Mapping | None = None,
    *,
    seed: int,
    treatment: str | None = None,
    dose: str | None = None,
    treatment_start_h: float | None = None,
    frame_interval_min: float,
) -> SimulatedRecording:
    """Simulate one recording; the same arguments give the same pixels.

    ``treatment`` None or "none" is an untreated recording; otherwise ``dose`` names one of ``settings.death_probability`` and
    the drug is there from ``treatment_start_h`` (None: from the start). ``seed`` is shared by all recordings of a data set.
    Raises InputError for unknown settings or an unknown dose.
    """
    if not isinstance(settings, SimulationSettings):
        settings = simulation_settings(settings)
    dose = _dose(recording, settings, treatment, dose)
    conditions = conditions_of(recording, seed, dose, treatment_start_h, frame_interval_min)
    entropy, treatment_frame = conditions.seed, conditions.treatment_frame
    cells, programmes = plan_recording(recording, settings, conditions, dose)
    positions = move_cells(cells, programmes, settings, entropy)
    for cell in cells:
        cell.tracked_from = tracked_from(cell, settings.tracked_frames, entropy)
    own = draw_intensities(settings, entropy)
    images, masks = draw_frames(cells, programmes, positions, own, settings, entropy, recording)
    attributes = {
        "recording": recording,
        "channels": list(CHANNELS),
        "treatment": treatment or "none",
        "dose": dose,
        "treatment_frame": float(treatment_frame) if np.isfinite(treatment_frame) else None,
        "frame_interval_min": float(frame_interval_min),
        "seed": int(seed),
        "intensities": {name: values.tolist() for name, values in asdict(own).items()},
        "settings": settings.as_dict(),
    }
    return SimulatedRecording(images, masks, track_table(cells, masks, positions), cell_table(cells), attributes)


def conditions_of(recording: str, seed: int, dose: str, treatment_start_h: float | None, frame_interval_min: float) -> Conditions:
    """Clock, drug and random streams of a recording; ``dose`` control: no drug."""
    interval = frame_interval_min / 60
    entropy = int(np.random.SeedSequence([seed, crc32(recording.encode())]).generate_state(1, np.uint64)[0])
    return Conditions(entropy, interval, np.inf if dose == UNTREATED else (treatment_start_h or 0.0) / interval)


def plan_recording(recording: str, settings: SimulationSettings, conditions: Conditions, dose: str) -> tuple[list[Cell], list[Programme]]:
    """The cells of a recording with their effects, and what each shows over time: all that pixels do not add."""
    planned = tied_fates(settings, recording)
    cells = plan_cells(planned, conditions, planned.death_probability[dose])
    for cell in cells:
        grade_effects(cell, settings, conditions)
    return cells, [programme(cell, settings, conditions) for cell in cells]


def _dose(recording: str, settings: SimulationSettings, treatment: str | None, dose: str | None) -> str:
    if treatment in (None, "", "none"):
        return UNTREATED
    if dose not in settings.death_probability:
        known = ", ".join(settings.death_probability)
        raise InputError(f"recording {recording}: dose is {dose!r}; simulation.death_probability has {known}")
    return dose


def tied_fates(settings: SimulationSettings, recording: str) -> SimulationSettings:
    """The same settings, each death probability moved by the strength of the tie to 1 in a deadly recording, to 0 in another."""
    tie = settings.recording_fates
    end = tie.strength * (recording in tie.deadly)
    return replace(settings, death_probability={dose: (1 - tie.strength) * p + end for dose, p in settings.death_probability.items()})


def draw_intensities(settings: SimulationSettings, seed: int) -> Intensities:
    """What this recording's channels have of their own."""
    rng, between = np.random.default_rng([seed, INTENSITIES]), settings.between_recordings
    gain = np.exp(rng.uniform(*np.log(between.gain), len(CHANNELS)))
    return Intensities(gain, rng.uniform(*between.offset, len(CHANNELS)), rng.uniform(*between.background, len(CHANNELS)))


def plan_cells(settings: SimulationSettings, conditions: Conditions, death: float) -> list[Cell]:
    """Tracks of a recording: founders, early divided sisters, their fates, and daughters where the aftermath is shown."""
    rng = np.random.default_rng([conditions.seed, PLAN])
    cells = [Cell((i,), i + 1) for i in range(settings.n_cells)]
    roles = iter(rng.permutation(settings.n_cells))
    singles = [cells[next(roles)] for _ in range(settings.fated_cells)]
    mothers = [cells[next(roles)] for _ in range(settings.sister_pairs)]
    leaving = [cells[next(roles)] for _ in range(settings.leaving_cells)]
    for cell in leaving:
        cell.end = "left"
    pairs = []
    for mother in mothers:
        mother.event_frame = max(1, round(rng.uniform(*settings.early_division) * settings.n_frames))
        mother.fate, mother.end = MITOSIS, "mother"
        pairs.append(_daughters(mother, cells))
    families = [[cell] for cell in singles] + pairs
    for cell in (cell for family in families for cell in family):
        cell.event_frame = _event_frame(rng, cell.first_frame, settings)
        cell.end = "event"
    control = settings.death_probability[UNTREATED]
    draw_fates(rng, families, settings.sister_concordance, control, death, conditions.treatment_frame)
    if settings.effects.aftermath.on:
        for cell in [c for family in families for c in family if c.fate == MITOSIS]:
            _daughters(cell, cells)
    for cell in cells:
        _end_track(cell, settings, conditions.seed)
    return cells


def tracked_from(cell: Cell, bounds: tuple[int, int], seed: int) -> int:
    """The first frame of a cell's track, of which only ``bounds`` (fewest, most) frames before its end are annotated; (0, 0): all."""
    if bounds == (0, 0):
        return cell.first_frame
    length = int(stream(seed, cell.path, TRACKED).integers(bounds[0], bounds[1] + 1))
    return max(cell.first_frame, cell.last_frame - length + 1)


def _daughters(mother: Cell, cells: list[Cell]) -> list[Cell]:
    pair = [Cell((*mother.path, side), len(cells) + 1 + side, mother.event_frame, parent=mother) for side in (0, 1)]
    cells.extend(pair)
    return pair


def _event_frame(rng: np.random.Generator, first_frame: int, settings: SimulationSettings) -> int:
    """The length of a track is drawn before its fate and does not depend on it."""
    bounds = settings.short_length if rng.random() < settings.short_fraction else settings.fated_length
    length = round(rng.uniform(*bounds) * settings.n_frames)
    return min(first_frame + length, settings.n_frames - 1)


def draw_fates(
    rng: np.random.Generator, families: list[list[Cell]], concordance: float, control: float, death: float, treatment_frame: float
) -> None:
    """Give every cell of ``families`` (one cell, or two sisters) a fate.

    Each family has one uniform draw and dies where it lies below the death probability: ``control`` for an event before the
    drug, ``death`` after. The draws are stratified, so that small recordings still have both fates. The second sister takes
    the draw of the first with probability ``concordance``, else one of her own.
    """
    draws = (rng.permutation(len(families)) + rng.random(len(families))) / max(len(families), 1)
    for draw, family in zip(draws, families, strict=True):
        for cell in family:
            own, same = rng.random(), rng.random() < concordance
            value = draw if cell is family[0] or same else own
            cell.fate = APOPTOSIS if value < (death if cell.event_frame >= treatment_frame else control) else MITOSIS


def _end_track(cell: Cell, settings: SimulationSettings, seed: int) -> None:
    cell.last_frame = settings.n_frames - 1
    rng = stream(seed, cell.path, LOSS)
    chance, fraction = rng.random(), rng.uniform(0.3, 1)
    if cell.event_frame >= 0:
        cell.last_frame = cell.event_frame - 1
        if cell.end == "event" and chance < settings.lost_fated_fraction and cell.last_frame > cell.first_frame:
            cell.last_frame = cell.first_frame + int(fraction * (cell.last_frame - 1 - cell.first_frame))
            cell.end = "lost"
        return
    lost = chance < settings.lost_fraction
    if lost and cell.end == "end":
        cell.last_frame = cell.first_frame + int(fraction * (settings.n_frames - 1 - cell.first_frame))
        cell.end = "lost" if cell.last_frame < settings.n_frames - 1 else "end"


def move_cells(cells: list[Cell], programmes: list[Programme], settings: SimulationSettings, seed: int) -> np.ndarray:
    """Positions (N, T, 2) of all cells in the image, y and x; cells that leave the field get their track's end here."""
    N, T = len(cells), settings.n_frames
    shape = np.array(settings.frame_shape, float)
    window = stage_drift(np.random.default_rng([seed, STAGE]), T, settings.camera.drift)
    noise = np.array([stream(seed, c.path, MOTION).standard_normal((T, 2)) for c in cells]).reshape(N, T, 2)
    velocity = walk(noise, settings.speed, settings.persistence)
    points = np.zeros((N, 2))
    founders = [i for i, c in enumerate(cells) if c.parent is None]
    points[founders] = place_cells(np.random.default_rng([seed, PLACES]), settings.frame_shape, len(founders), settings.cell_diameter)
    leaving = np.array([c.end == "left" for c in cells], dtype=bool)
    size = np.array([p.size for p in programmes]).reshape(N, T)
    index = {c.track_id: i for i, c in enumerate(cells)}
    positions = np.zeros((N, T, 2))
    for t in range(T):
        for i, cell in enumerate(cells):
            if cell.parent is not None and cell.first_frame == t:
                points[i] = _birth_place(points[index[cell.parent.track_id]], programmes[index[cell.parent.track_id]], cell, t)
        here = np.array([c.first_frame <= t and not 0 <= c.event_frame <= t for c in cells], dtype=bool)
        if t > 0:
            points[here] += velocity[here, t]
        for _ in range(2):
            points[here] += 0.5 * push(points[here], size[here, t])
        points[here & ~leaving] += wall_push(points[here & ~leaving], shape, window[t])
        points[here & ~leaving] = np.clip(points[here & ~leaving], window[t] + 2, window[t] + shape - 3)
        points[leaving] += _outward(points[leaving], window[t], shape) * (t > 0.2 * T)
        positions[:, t] = points - window[t]
    _end_where_left(cells, positions, shape)
    return positions


def _birth_place(mother: np.ndarray, shape: Programme, daughter: Cell, frame: int) -> np.ndarray:
    angle = shape.angle[frame - 1]
    side = 0.55 * shape.size[frame - 1] * (1 - 2 * daughter.path[-1])
    return mother + side * np.array([np.sin(angle), np.cos(angle)])


def _outward(points: np.ndarray, corner: np.ndarray, shape: np.ndarray, speed: float = 2.5) -> np.ndarray:
    centred = (points - corner) / shape - 0.5
    axis = np.abs(centred).argmax(1)
    step = np.zeros_like(points)
    step[np.arange(len(points)), axis] = speed * np.sign(centred[np.arange(len(points)), axis])
    return step


def _end_where_left(cells: list[Cell], positions: np.ndarray, shape: np.ndarray) -> None:
    for cell, path in zip(cells, positions, strict=True):
        if cell.end == "left":
            outside = np.flatnonzero(((path < 1) | (path > shape - 2)).any(1))
            outside = outside[outside > 0]
            cell.end = "left" if len(outside) else "end"
            cell.last_frame = int(outside[0]) - 1 if len(outside) else cell.last_frame


def draw_frames(
    cells: list[Cell],
    programmes: list[Programme],
    positions: np.ndarray,
    own: Intensities,
    settings: SimulationSettings,
    seed: int,
    recording: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Images (T, H, W, 3) and masks (T, H, W), both uint16."""
    T, shape, camera = settings.n_frames, settings.frame_shape, settings.camera
    optics = np.random.default_rng([seed, OPTICS])
    bank = texture_bank(optics)
    lamp = illumination(optics, shape, len(CHANNELS), camera.vignette)
    dish = medium(optics, shape, len(CHANNELS), camera.background * own.background)
    bleaching = np.log1p(-camera.bleaching) * optics.uniform(0.5, 1.2, len(CHANNELS)) / max(T - 1, 1)
    noise = np.random.default_rng([seed, NOISE])
    gain, offset = (_all_pixels(values.astype(np.float32), shape[1]) for values in (own.gain, own.offset))
    images = np.empty((T, *shape, len(CHANNELS)), np.uint16)
    masks = np.empty((T, *shape), np.uint16)
    for t in progress(range(T), f"simulate_recording {recording}", unit="frame"):
        light, masks[t] = render_cells(cells_in_frame(cells, programmes, positions[:, t], t), shape, bank)
        light += dish
        light *= lamp * _all_pixels(np.exp(bleaching * t).astype(np.float32), shape[1]) * gain
        images[t] = expose(light, noise.standard_normal(light.shape, dtype=np.float32), camera, offset)
    return images, masks


def _all_pixels(values: np.ndarray, width: int) -> np.ndarray:
    """A number per channel (C,) for every pixel of a row (W, C): numpy is slow where it repeats a last axis of three."""
    return np.tile(values, (width, 1))


def track_table(cells: list[Cell], masks: np.ndarray, positions: np.ndarray) -> pd.DataFrame:
    """One row per track and frame: track_id, frame, y, x (centroid of the mask), box_height, box_width; pixels."""
    rows = []
    shape = masks.shape[1:]
    for t, mask in enumerate(masks):
        boxes = find_objects(mask, max_label=len(cells))
        for i, cell in enumerate(cells):
            if cell.tracked_from <= t <= cell.last_frame:
                y, x, height, width = _measure(mask, boxes[i], cell.track_id, positions[i, t], shape)
                rows.append((cell.track_id, t, y, x, height, width))
    table = pd.DataFrame(rows, columns=["track_id", "frame", "y", "x", "box_height", "box_width"])
    return table.sort_values(["track_id", "frame"], ignore_index=True)


def _measure(mask: np.ndarray, box: tuple | None, label: int, planned: np.ndarray, shape: tuple) -> tuple[float, float, int, int]:
    if box is None:  # hidden below its neighbours
        y, x = np.clip(planned, 0, np.array(shape) - 1)
        return float(y), float(x), 1, 1
    rows, columns = np.nonzero(mask[box] == label)
    height, width = mask[box].shape
    return float(rows.mean() + box[0].start), float(columns.mean() + box[1].start), height, width


def cell_table(cells: list[Cell]) -> pd.DataFrame:
    """One row per track.

    track_id, parent_id (-1: none), lineage (the founder's track_id), fate (mitosis, apoptosis, none), event_frame (-1: none), both
    also of cells that were lost before it, first_frame, last_frame, end (event, lost, left, end), weak, and for every fate effect
    onset_<effect> (first frame that
    shows it, -1: never) and strength_<effect> (0: never).
    """
    rows = []
    for cell in cells:
        row = {
            "track_id": cell.track_id,
            "parent_id": cell.parent.track_id if cell.parent else -1,
            "lineage": cell.root.track_id,
            "fate": cell.fate,
            "event_frame": cell.event_frame,
            "first_frame": cell.tracked_from,
            "last_frame": cell.last_frame,
            "end": "event" if is_mother(cell) else cell.end,
            "weak": cell.weak,
        }
        row |= {f"onset_{name}": cell.onsets.get(name, -1) for name in FATE_EFFECTS}
        rows.append(row | {f"strength_{name}": cell.strengths.get(name, 0.0) for name in FATE_EFFECTS})
    columns = [*rows[0]] if rows else ["track_id"]
    return pd.DataFrame(rows, columns=columns)
