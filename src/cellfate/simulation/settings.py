"""Settings of the simulator: one frozen dataclass per topic, every default documented, built from a config mapping.

Times are in frames unless the name says hours, lengths in pixels, intensities in camera counts.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace

from cellfate.base.errors import InputError

CHANNELS = ("circadian", "p53", "cell_cycle")  # the colours R, G, B of the written frames
MITOSIS, APOPTOSIS, NO_FATE = "mitosis", "apoptosis", "none"
UNTREATED = "control"


@dataclass(frozen=True)
class Effect:
    """One effect: is it there, how many frames before the event does it begin, how strong is it on average."""

    on: bool = True
    onset: int = 3  # the frames event - onset ... event - 1 show the effect
    strength: float = 1.0  # multiplies the drawn strength of every cell


@dataclass(frozen=True)
class Effects:
    """Everything by which an image can tell a fate (or the treatment). Each is drawn with its own random stream."""

    growth: Effect = Effect(onset=20)  # mitosis: the body grows
    cell_cycle: Effect = Effect(onset=24)  # mitosis: the reporter climbs, then drops in the last two frames
    rounding: Effect = Effect(onset=3)  # mitosis: round, small, bright, no nucleus
    p53_sustained: Effect = Effect(onset=30)  # apoptosis: the p53 reporter rises and stays
    circadian_stress: Effect = Effect(onset=18)  # apoptosis: the circadian reporter fades
    stretching: Effect = Effect(onset=12)  # apoptosis: elongated, until the cell shrinks
    shrinkage: Effect = Effect(onset=5)  # apoptosis: smaller and brighter
    blebbing: Effect = Effect(onset=3)  # apoptosis: blebs along the outline
    p53_pulses: Effect = Effect(on=False, onset=30)  # apoptosis: p53 pulses twice as frequent, at the same mean level
    p53_transient: Effect = Effect(on=False, onset=40)  # apoptosis: the p53 reporter is raised for five hours, and falls back
    p53_integral: Effect = Effect(on=False, onset=40)  # apoptosis: p53 pulses higher for twenty hours, each as high as others have too
    cycle_phase: Effect = Effect(on=False, onset=0)  # where in its cycle the drug meets a cell tells its fate; the reporter forgets it
    drug_response: Effect = Effect(onset=0)  # treated recordings: higher p53 pulses from the drug on; tells the dose, not the fate
    aftermath: Effect = Effect(onset=0)  # from the event frame on: two daughters or fragments; off: every cell fades alike


MITOTIC = ("growth", "cell_cycle", "rounding")
APOPTOTIC = ("p53_sustained", "circadian_stress", "stretching", "shrinkage", "blebbing")
COURSES = ("p53_pulses", "p53_transient", "p53_integral")  # apoptosis, off unless asked for: only what came before tells them
PHASES = ("cycle_phase",)  # either fate, off unless asked for: told when the drug comes, by no frame some hours later
SHAPE_EFFECTS = ("growth", "rounding", "stretching", "shrinkage", "blebbing")
FATE_EFFECTS = MITOTIC + APOPTOTIC + COURSES + PHASES
EFFECTS = tuple(f.name for f in fields(Effects))


@dataclass(frozen=True)
class Distractors:
    """Probabilities that a cell, whatever its fate, shows once at a random time something that looks like an effect."""

    p53_plateau: float = 0.15  # 10 to 18 frames of raised p53
    cell_cycle_hump: float = 0.25  # the reporter climbs and falls with no division
    rounding: float = 0.15  # round for 2 to 4 frames
    stretching: float = 0.15  # elongated for 8 to 16 frames


@dataclass(frozen=True)
class Grading:
    """How much the effects differ between cells."""

    spread: float = 0.35  # strengths are uniform in 1 +- spread
    weak_fraction: float = 0.1  # of the cells: all their fate effects are weak
    plain_fraction: float = 0.35  # of the cells: all effects on the shape are weak, only the reporters tell the fate
    missing_fraction: float = 0.15  # of the single effects are weak, each by itself
    weak_strength: float = 0.15  # strengths of weak effects are multiplied by this
    onset_jitter: float = 0.25  # onsets are uniform in onset x (1 +- jitter), rounded, at least 1


@dataclass(frozen=True)
class Camera:
    """Optics and camera."""

    offset: float = 100.0  # counts without light
    gain: float = 0.8  # counts per electron; shot noise is the normal approximation of Poisson
    read_noise: float = 4.0  # standard deviation in electrons
    background: float = 60.0  # counts of light outside the cells
    vignette: float = 0.25  # fraction of light lost in the corners
    bleaching: float = 0.15  # fraction of the light lost from the first to the last frame
    drift: float = 0.3  # pixels, standard deviation of one step of the stage


@dataclass(frozen=True)
class RecordingFates:
    """Fates tied to the recording: in ``deadly`` recordings cells die, in all others they divide, whatever their dose."""

    strength: float = 0.0  # 0: no tie; 1: the recording tells every fate; between: death probabilities that far on the way to 1 or 0
    deadly: tuple[str, ...] = ()  # names of recordings


@dataclass(frozen=True)
class BetweenRecordings:
    """How far apart the recordings' intensities are: each draws its own values, one for every channel, between these limits."""

    gain: tuple[float, float] = (1.0, 1.0)  # factor of all light, the background's too; as far below as above 1 is as likely (log-uniform)
    offset: tuple[float, float] = (0.0, 0.0)  # counts beside the camera's offset, uniform
    background: tuple[float, float] = (1.0, 1.0)  # factor of the light outside the cells, uniform


@dataclass(frozen=True)
class SimulationSettings:
    """One recording. Fractions of the recording's length keep short test recordings in proportion."""

    n_frames: int = 80
    frame_shape: tuple[int, int] = (384, 384)  # height, width
    n_cells: int = 32  # in the first frame
    fated_cells: int = 7  # of those, tracks that end in an event after a long time
    sister_pairs: int = 2  # of those, mothers that divide early; both daughters are fated
    leaving_cells: int = 2  # of those, cells that leave the field
    lost_fraction: float = 0.25  # of the cells without event, lost by the tracker before the end
    lost_fated_fraction: float = 0.0  # of the cells with one, lost before it: censored as the others are
    fated_length: tuple[float, float] = (0.69, 0.94)  # frames from the track's start to the event / n_frames
    short_fraction: float = 0.12  # of the fated cells have a shorter track
    short_length: tuple[float, float] = (0.35, 0.69)
    early_division: tuple[float, float] = (0.04, 0.11)  # when the mothers divide / n_frames
    death_probability: Mapping[str, float] = field(default_factory=lambda: {UNTREATED: 0.1, "low": 0.45, "medium": 0.5, "high": 0.55})
    sister_concordance: float = 0.8  # probability that the second sister takes the fate draw of the first
    sister_likeness: float = 0.0  # probability that the second sister looks like the first: shape, textures and reporters, frame by frame
    tracked_frames: tuple[int, int] = (0, 0)  # only so many frames at the end of each track are annotated, uniform; (0, 0): all
    cell_diameter: float = 36.0  # of the body
    diameter_spread: float = 0.08  # coefficient of variation
    speed: float = 1.0  # pixels per frame
    expression_spread: float = 0.35  # of the logarithm of each reporter's brightness between founders
    persistence: float = 0.8  # of the velocity from frame to frame
    circadian_period_h: float = 24.0
    p53_interval_h: float = 5.5
    annotation_jitter: float = 0.7  # pixels, standard deviation of an annotated centre
    effects: Effects = Effects()
    distractors: Distractors = Distractors()
    grading: Grading = Grading()
    camera: Camera = Camera()
    recording_fates: RecordingFates = RecordingFates()
    between_recordings: BetweenRecordings = BetweenRecordings()

    def as_dict(self) -> dict:
        """The settings as plain nested mappings (JSON can hold them)."""
        return asdict(self)


def simulation_settings(mapping: Mapping | None = None) -> SimulationSettings:
    """Settings from a config mapping; a missing key keeps its default.

    ``effects`` may have the key ``only``: a list of effects; every other effect is then switched off. An unknown key, a value
    of the wrong type or out of range is an InputError that names the key.
    """
    settings = _filled(SimulationSettings(), mapping or {}, "simulation")
    _check(settings)
    return settings


def only_effects(settings: SimulationSettings, names: list[str] | tuple[str, ...]) -> SimulationSettings:
    """The same settings with the named effects on and all others off; ``()`` switches everything off."""
    for name in names:
        if name not in EFFECTS:
            raise InputError(f"simulation.effects.only: unknown effect {name!r}; the effects are {', '.join(EFFECTS)}")
    switched = {name: replace(getattr(settings.effects, name), on=name in names) for name in EFFECTS}
    return replace(settings, effects=Effects(**switched))


def _filled(default, mapping: Mapping, where: str):
    if not isinstance(mapping, Mapping):
        raise InputError(f"{where}: a mapping is needed, not {mapping!r}")
    mapping = dict(mapping)
    if isinstance(default, Effects) and "only" in mapping:
        default = only_effects(replace(SimulationSettings(), effects=default), mapping.pop("only")).effects
    known = {f.name for f in fields(default)}
    for key in mapping:
        if key not in known:
            raise InputError(f"{where}.{key}: unknown key; allowed are {', '.join(sorted(known))}")
    return replace(default, **{key: _value(getattr(default, key), value, f"{where}.{key}") for key, value in mapping.items()})


def _value(default, value, where: str):
    if is_dataclass(default):
        return _filled(default, value, where)
    if isinstance(default, Mapping):
        if not isinstance(value, Mapping):
            raise InputError(f"{where}: a mapping is needed, not {value!r}")
        return dict(default) | {str(key): _value(0.0, number, f"{where}.{key}") for key, number in value.items()}
    if default == ():
        if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
            raise InputError(f"{where}: a list of names is needed, not {value!r}")
        return tuple(value)
    if isinstance(default, tuple):
        if not isinstance(value, list | tuple) or len(value) != len(default):
            raise InputError(f"{where}: {len(default)} numbers are needed, not {value!r}")
        return tuple(_value(old, new, where) for old, new in zip(default, value, strict=True))
    if isinstance(default, bool) != isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{where}: a {'truth value' if isinstance(default, bool) else 'number'} is needed, not {value!r}")
    if isinstance(default, int) and value != int(value):
        raise InputError(f"{where}: a whole number is needed, not {value!r}")
    return type(default)(value)


def _check(settings: SimulationSettings) -> None:
    for name, low, high in (
        ("n_frames", 12, 10_000),
        ("n_cells", 0, 10_000),
        ("fated_cells", 0, 10_000),
        ("sister_pairs", 0, 10_000),
        ("leaving_cells", 0, 10_000),
        ("lost_fraction", 0, 1),
        ("lost_fated_fraction", 0, 1),
        ("expression_spread", 0, 2),
        ("short_fraction", 0, 1),
        ("sister_concordance", 0, 1),
        ("sister_likeness", 0, 1),
        ("cell_diameter", 8, 200),
        ("persistence", 0, 0.99),
    ):
        value = getattr(settings, name)
        if not low <= value <= high:
            raise InputError(f"simulation.{name} is {value}, between {low} and {high} is needed")
    if min(settings.frame_shape) < 3 * settings.cell_diameter:
        raise InputError(f"simulation.frame_shape is {settings.frame_shape}, at least three cell diameters are needed")
    for name in ("fated_length", "short_length", "early_division"):
        low, high = getattr(settings, name)
        if not 0 < low <= high < 1:
            raise InputError(f"simulation.{name} is {(low, high)}, two increasing fractions of the recording are needed")
    for dose, probability in settings.death_probability.items():
        if not 0 <= probability <= 1:
            raise InputError(f"simulation.death_probability.{dose} is {probability}, a probability is needed")
    for name in EFFECTS:
        effect = getattr(settings.effects, name)
        if effect.onset < 0 or (effect.onset < 1 and name in FATE_EFFECTS and name not in PHASES):
            raise InputError(f"simulation.effects.{name}.onset is {effect.onset}, at least one frame before the event is needed")
    _check_recordings(settings)
    special = settings.fated_cells + settings.sister_pairs + settings.leaving_cells
    if special > settings.n_cells:
        raise InputError(f"simulation.n_cells is {settings.n_cells}, but fated, mother and leaving cells are {special}")


def _check_recordings(settings: SimulationSettings) -> None:
    """The settings by which recordings differ, and how much of the tracks is there."""
    low, high = settings.tracked_frames
    if not (low == high == 0 or 1 <= low <= high):
        raise InputError(
            f"simulation.tracked_frames is {(low, high)}, two numbers of frames in rising order are needed, or 0 and 0 for all"
        )
    fates, between = settings.recording_fates, settings.between_recordings
    if not 0 <= fates.strength <= 1:
        raise InputError(f"simulation.recording_fates.strength is {fates.strength}, between 0 and 1 is needed")
    if fates.strength > 0 and not fates.deadly:
        raise InputError("simulation.recording_fates.deadly is empty; with a strength above 0 the recordings in which cells die are needed")
    darkest = settings.camera.offset + between.offset[0]
    if darkest < 0:
        raise InputError(f"simulation.between_recordings.offset: with camera.offset the lowest would be {darkest:g}, at least 0 is needed")
    for name, lowest in (("gain", 0.01), ("offset", -65535), ("background", 0)):
        low, high = getattr(between, name)
        if not lowest <= low <= high:
            found = f"simulation.between_recordings.{name} is {(low, high)}"
            raise InputError(f"{found}, two numbers of at least {lowest} in rising order are needed")
