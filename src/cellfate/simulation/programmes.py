"""What every simulated cell shows over time: its shape and its three reporters, and every effect with its onset.

Each cell draws from random streams of its own, one per topic, whatever its fate and whichever effects are on. So switching
an effect, or exchanging two fates, changes exactly the frames in which the effect is visible and nothing else.
"""

from dataclasses import dataclass, field

import numpy as np

from cellfate.simulation.motion import slow_noise
from cellfate.simulation.render import BLEBS, BODY_LEVEL, HARMONICS, NUCLEAR_LEVEL, Cells, random_looks
from cellfate.simulation.settings import (
    APOPTOSIS,
    APOPTOTIC,
    CHANNELS,
    COURSES,
    FATE_EFFECTS,
    MITOSIS,
    MITOTIC,
    NO_FATE,
    PHASES,
    SHAPE_EFFECTS,
    SimulationSettings,
)

LOOKS, SHAPE, REPORTERS, DISTRACTORS, MOTION, LOSS, EXPRESSION, EFFECTS = range(
    8
)  # random streams of a cell; effects take EFFECTS + their number
LIKENESS, TRACKED, PULSES, PHASE = 100, 101, 102, 103  # further ones
DEBRIS_FRAMES = 8  # fragments are seen for this long
FADING = (0.5, 0.2)  # light of a cell in the frames from its event on, when the aftermath is off
CIRCADIAN, P53, CELL_CYCLE = range(3)
TRANSIENT_H = 5.0  # how long the p53 reporter is raised by the effect p53_transient
CYCLE_H, FORGOTTEN_H = 20.0, 2.0  # of the cell cycle that cycle_phase shows, and after the drug until nothing of it is left
TELLING = 0.5  # strength from which on the phase of a cell follows its fate


@dataclass
class Cell:
    """The plan of one cell. ``path`` names its random streams: the founder's number, then 0 or 1 for each division."""

    path: tuple[int, ...]
    track_id: int
    first_frame: int = 0
    event_frame: int = -1
    fate: str = NO_FATE
    end: str = "end"  # end (of the recording) | event | lost (by the tracker) | left (the field)
    last_frame: int = -1  # of the track
    tracked_from: int = 0  # first frame of the track; the cell is there from first_frame on
    parent: "Cell | None" = None
    onsets: dict[str, int] = field(default_factory=dict)  # first frame that shows the effect
    strengths: dict[str, float] = field(default_factory=dict)
    weak: bool = False

    @property
    def root(self) -> "Cell":
        """The founder of the lineage."""
        return self if self.parent is None else self.parent.root

    def effects(self) -> tuple[str, ...]:
        """The effects that this cell's fate calls for."""
        return {MITOSIS: MITOTIC + PHASES, APOPTOSIS: APOPTOTIC + COURSES + PHASES, NO_FATE: ()}[self.fate]


@dataclass
class Programme:
    """One cell over all frames of the recording; the first axis of every array is the frame."""

    size: np.ndarray  # (T,) radius that the motion sees, pixels; free of effects
    radius: np.ndarray
    ratio: np.ndarray
    angle: np.ndarray
    wobble: np.ndarray  # (T, harmonics, 2)
    spread: np.ndarray
    body: np.ndarray  # (T, C)
    nuclear: np.ndarray  # (T, C)
    turn: np.ndarray
    blebbing: np.ndarray
    debris: np.ndarray
    fade: np.ndarray  # 0: not there
    looks: dict[str, np.ndarray]


@dataclass(frozen=True)
class Conditions:
    """The recording's clock and treatment."""

    seed: int
    frame_interval_h: float
    treatment_frame: float  # infinite without treatment


def stream(seed: int, path: tuple[int, ...], topic: int) -> np.random.Generator:
    """The random stream of one cell and topic."""
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=(topic, *path)))


def grade_effects(cell: Cell, settings: SimulationSettings, conditions: Conditions) -> None:
    """Draw onset and strength of every effect of a cell, and store those that its fate and the settings call for.

    The onset of ``cycle_phase`` is the frame of the drug; a cell that was not there then does not have it.
    """
    seed, drug = conditions.seed, conditions.treatment_frame
    grading = settings.grading
    draws = stream(seed, cell.path, EFFECTS).random(2)
    cell.weak, plain = bool(draws[0] < grading.weak_fraction), draws[1] < grading.plain_fraction
    for number, name in enumerate(FATE_EFFECTS, start=1):
        rng, effect = stream(seed, cell.path, EFFECTS + number), getattr(settings.effects, name)
        strength = effect.strength * rng.uniform(1 - grading.spread, 1 + grading.spread)
        missing = rng.random() < grading.missing_fraction
        if cell.weak or missing or (plain and name in SHAPE_EFFECTS):
            strength *= grading.weak_strength
        onset = max(1, round(effect.onset * rng.uniform(1 - grading.onset_jitter, 1 + grading.onset_jitter)))
        if effect.on and name in cell.effects() and cell.event_frame >= 0:
            if name in PHASES and not cell.first_frame <= drug < cell.event_frame:
                continue
            cell.onsets[name] = int(drug) if name in PHASES else max(cell.event_frame - onset, cell.first_frame)
            cell.strengths[name] = strength


def effect_course(cell: Cell, name: str, n_frames: int, rise: float) -> np.ndarray:
    """Amount (T,) of an effect: 0 before its onset, rising over ``rise`` frames, then its strength, kept after the event."""
    if name not in cell.onsets:
        return np.zeros(n_frames)
    frames = np.minimum(np.arange(n_frames), cell.event_frame - 1)
    return cell.strengths[name] * np.clip((frames - cell.onsets[name] + 1) / max(rise, 1), 0, 1)


def programme(cell: Cell, settings: SimulationSettings, conditions: Conditions) -> Programme:
    """Shape and reporters of one cell in every frame."""
    T, seed, path = settings.n_frames, conditions.seed, look_path(cell, settings.sister_likeness, conditions.seed)
    looks = random_looks(stream(seed, path, LOOKS)) | {"expression": expression(cell, path, settings.expression_spread, seed)}
    rng = stream(seed, path, SHAPE)
    age = np.arange(T) - cell.first_frame
    size = settings.cell_diameter / 2 * rng.normal(1, settings.diameter_spread) * (1 + rng.uniform(0, 0.12) * np.arange(T) / T)
    young = np.clip(1 - age / 8, 0, 1) if cell.parent is not None else np.zeros(T)
    size = size * (1 - 0.2 * young)
    ratio = 1 + rng.uniform(0.1, 0.5) * np.exp(0.35 * slow_noise(rng, (T,), 6))
    angle = rng.uniform(0, np.pi) + 0.4 * slow_noise(rng, (T,), 15)
    wobble = 0.045 * slow_noise(rng, (len(HARMONICS), 2, T), 8).transpose(2, 0, 1)
    turn = rng.uniform(0, 2 * np.pi) + np.arange(T) * rng.normal(0, 0.08)
    detached, elongated, plateau, hump = distractor_courses(cell, settings, seed)

    rounding = np.clip(effect_course(cell, "rounding", T, 2), 0, 1)
    shrinkage = effect_course(cell, "shrinkage", T, _length(cell, "shrinkage"))
    stretching = effect_course(cell, "stretching", T, 4) * (1 - np.clip(shrinkage, 0, 1))
    round_ = np.clip(np.maximum(rounding, np.maximum(0.8 * detached, np.clip(young * 3 - 2, 0, 1))), 0, 1)
    scale = (1 + 0.1 * effect_course(cell, "growth", T, _length(cell, "growth"))) * (1 - 0.2 * round_) * (1 - 0.22 * shrinkage)
    ratio = (1 + (ratio - 1) * (1 - round_)) * (1 + 0.65 * stretching) * (1 + 0.5 * elongated)
    levels = reporters(cell, path, settings, conditions, plateau, hump)
    light = looks["expression"] * scale[:, None] ** -1.5
    debris, fade = ending(cell, settings)
    return Programme(
        size=size,
        radius=size * scale * np.where(debris > 0, 0.9, 1),
        ratio=np.where(debris > 0, 1 + 0.3 * (ratio - 1), ratio),
        angle=angle,
        wobble=wobble * (1 - 0.8 * round_)[:, None, None],
        spread=rounding,
        body=BODY_LEVEL * light,
        nuclear=NUCLEAR_LEVEL * light * levels,
        turn=turn,
        blebbing=np.clip(effect_course(cell, "blebbing", T, 2), 0, 1.2),
        debris=debris,
        fade=fade,
        looks=looks,
    )


def look_path(cell: Cell, likeness: float, seed: int) -> tuple[int, ...]:
    """The path whose streams give a cell its look: its own, or, for a second sister with probability ``likeness``, the first one's."""
    second = cell.parent is not None and cell.path[-1] == 1
    return (*cell.path[:-1], 0) if second and stream(seed, cell.path, LIKENESS).random() < likeness else cell.path


def expression(cell: Cell, path: tuple[int, ...], spread: float, seed: int) -> np.ndarray:
    """Brightness (3,) of the reporters in a cell; daughters inherit the mother's with small changes, drawn from the stream of ``path``."""
    if cell.parent is None:
        return stream(seed, path, EXPRESSION).lognormal(0, spread, len(CHANNELS))
    mothers = expression(cell.parent, cell.parent.path, spread, seed)
    return mothers * stream(seed, path, EXPRESSION).lognormal(0, 0.08, len(CHANNELS))


def _length(cell: Cell, name: str) -> int:
    return cell.event_frame - cell.onsets.get(name, 0)


def ending(cell: Cell, settings: SimulationSettings) -> tuple[np.ndarray, np.ndarray]:
    """Fragmentation (T,), 0 for a whole cell, and the factor (T,) of its light, 0 where it is not there."""
    frames = np.arange(settings.n_frames)
    debris, fade = np.zeros(len(frames)), (frames >= cell.first_frame).astype(float)
    if cell.event_frame < 0:
        return debris, fade
    since = frames - cell.event_frame
    fade[since >= 0] = 0
    divides = cell.fate == MITOSIS and (settings.effects.aftermath.on or is_mother(cell))
    if settings.effects.aftermath.on and cell.fate == APOPTOSIS:
        shown = (since >= 0) & (since < DEBRIS_FRAMES)
        debris[shown] = (since[shown] + 1) / DEBRIS_FRAMES
        fade[shown] = 0.9 * (1 - since[shown] / DEBRIS_FRAMES)
    elif not divides:
        for after, light in enumerate(FADING):
            fade[since == after] = light
    return debris, fade


def is_mother(cell: Cell) -> bool:
    """Was the cell planned to divide early, so that its daughters can be followed for a long time?"""
    return cell.end == "mother"


def distractor_courses(cell: Cell, settings: SimulationSettings, seed: int) -> list[np.ndarray]:
    """Amounts (T,) of detachment, elongation, p53 plateau and cell-cycle hump that have nothing to do with the fate."""
    rng, T, chances = stream(seed, cell.path, DISTRACTORS), settings.n_frames, settings.distractors
    courses = []
    for chance, shortest, longest in (
        (chances.rounding, 2, 4),
        (chances.stretching, 8, 16),
        (chances.p53_plateau, 10, 18),
        (chances.cell_cycle_hump, 14, 26),
    ):
        shown, length, centre, height = rng.random(), rng.integers(shortest, longest + 1), rng.uniform(0, T), rng.uniform(0.4, 1)
        distance = np.abs(np.arange(T) - centre) / (length / 2)
        courses.append((shown < chance) * height * np.clip(1.6 * (1 - distance), 0, 1))
    return courses


def reporters(
    cell: Cell, path: tuple[int, ...], settings: SimulationSettings, conditions: Conditions, plateau: np.ndarray, hump: np.ndarray
) -> np.ndarray:
    """Levels (T, 3) of the circadian, p53 and cell-cycle reporters in the nucleus; about 1 is a high level; from the stream of ``path``."""
    T, rng = settings.n_frames, stream(conditions.seed, path, REPORTERS)
    levels = np.empty((T, len(CHANNELS)))
    period = settings.circadian_period_h / conditions.frame_interval_h
    common = np.random.default_rng([conditions.seed, CIRCADIAN]).uniform(0, 2 * np.pi)  # cells of a dish are partly synchronous
    wave = np.cos(2 * np.pi * np.arange(T) / period + common + rng.normal(0, 0.7))
    stress = np.clip(effect_course(cell, "circadian_stress", T, 6), 0, 1.5)
    levels[:, CIRCADIAN] = 0.5 * (1 + 0.6 * wave) * (1 - 0.4 * stress)
    pulses = p53_pulses(rng, T, settings.p53_interval_h / conditions.frame_interval_h)
    often = np.clip(effect_course(cell, "p53_pulses", T, 1), 0, 1)
    if often.any():
        pulses += often * (frequent_pulses(pulses, stream(conditions.seed, path, PULSES), settings, conditions) - pulses)
    more = effect_course(cell, "p53_integral", T, 1)
    pulses = pulses * (1 + 0.6 * more) + 0.02 * more
    if settings.effects.drug_response.on:
        pulses[np.arange(T) >= conditions.treatment_frame] *= 1 + 0.4 * settings.effects.drug_response.strength
    levels[:, P53] = 0.15 + pulses + 0.5 * plateau + 0.5 * effect_course(cell, "p53_sustained", T, 8)
    levels[:, P53] += 0.5 * transient_course(cell, T, TRANSIENT_H / conditions.frame_interval_h)
    climb = effect_course(cell, "cell_cycle", T, _length(cell, "cell_cycle") - 2)
    dropping = (np.arange(T) >= cell.event_frame - 2) & ("cell_cycle" in cell.onsets)
    climb = np.where(dropping, 0.4 * climb, climb)
    levels[:, CELL_CYCLE] = 0.15 + 0.6 * hump + 0.7 * climb + 0.6 * phase_course(cell, settings, conditions)
    return np.clip(levels * np.exp(0.15 * slow_noise(rng, (len(CHANNELS), T), 4).T), 0.01, None)


def frequent_pulses(pulses: np.ndarray, rng: np.random.Generator, settings: SimulationSettings, conditions: Conditions) -> np.ndarray:
    """Pulses (T,) twice as often as ``pulses``, with their mean over the recording."""
    found = p53_pulses(rng, len(pulses), settings.p53_interval_h / conditions.frame_interval_h / 2)
    return found * pulses.mean() / max(found.mean(), 1e-9)


def transient_course(cell: Cell, n_frames: int, length: float) -> np.ndarray:
    """Amount (n_frames,) of the effect p53_transient: there for ``length`` frames from its onset, rising and falling over three."""
    since = np.arange(n_frames) - cell.onsets.get("p53_transient", n_frames)
    falling = np.clip((length - since) / 3, 0, 1)
    return effect_course(cell, "p53_transient", n_frames, 3) * np.where(since >= 0, falling, 0)


def phase_course(cell: Cell, settings: SimulationSettings, conditions: Conditions) -> np.ndarray:
    """Level (n_frames,) of the reporter that climbs with the cell cycle up to the drug and is then forgotten; 0 where the effect is off.

    A cell that divides is in the first half of its cycle when the drug comes, one that dies in the second, any other anywhere.
    """
    frames, drug = np.arange(settings.n_frames), conditions.treatment_frame
    if not settings.effects.cycle_phase.on or not np.isfinite(drug) or cell.first_frame > drug:
        return np.zeros(len(frames))
    told = cell.strengths.get("cycle_phase", 0.0) >= TELLING
    low, high = {MITOSIS: (0.0, 0.5), APOPTOSIS: (0.5, 1.0)}[cell.fate] if told else (0.0, 1.0)
    phase = stream(conditions.seed, cell.path, PHASE).uniform(low, high)
    hours = (frames - drug) * conditions.frame_interval_h
    return (phase + hours / CYCLE_H) % 1 * np.clip(1 - hours / FORGOTTEN_H, 0, 1)


def p53_pulses(rng: np.random.Generator, n_frames: int, interval: float) -> np.ndarray:
    """Irregular pulses (n_frames,) of random height, on average one every ``interval`` frames."""
    n = int(np.ceil(n_frames / interval)) + 8
    times = -3 * interval * rng.random() + np.cumsum(interval * rng.lognormal(-0.06, 0.35, n))
    heights = 0.45 * rng.uniform(0.1, 1.2) * rng.uniform(0.4, 1.4, n)
    frames = np.arange(n_frames)
    return (heights * np.exp(-0.5 * ((frames[:, None] - times) / 1.8) ** 2)).sum(1)


def cells_in_frame(cells: list[Cell], programmes: list[Programme], positions: np.ndarray, frame: int) -> Cells:
    """Everything that is drawn in one frame; ``positions`` (n, 2) are y, x in the image."""
    shown = [i for i, p in enumerate(programmes) if p.fade[frame] > 0]
    chosen = [programmes[i] for i in shown]
    n, channels = len(chosen), len(CHANNELS)

    def now(name: str, *shape: int) -> np.ndarray:
        return np.array([getattr(p, name)[frame] for p in chosen], dtype=float).reshape(n, *shape)

    def fixed(name: str, *shape: int) -> np.ndarray:
        return np.array([p.looks[name] for p in chosen]).reshape(n, *shape)

    return Cells(
        cell_id=np.array([cells[i].track_id for i in shown], dtype=int),
        y=positions[shown, 0],
        x=positions[shown, 1],
        radius=now("radius"),
        ratio=now("ratio"),
        angle=now("angle"),
        wobble=now("wobble", len(HARMONICS), 2),
        nucleus=fixed("nucleus").astype(float),
        nucleus_at=fixed("nucleus_at", 2),
        spread=now("spread"),
        body=now("body", channels),
        nuclear=now("nuclear", channels),
        softness=fixed("softness").astype(float),
        texture=fixed("texture", 2).astype(int),
        turn=now("turn"),
        blebs=fixed("blebs", BLEBS, 3),
        blebbing=now("blebbing"),
        debris=now("debris"),
        fade=now("fade"),
    )
