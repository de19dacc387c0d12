"""The configuration: its schema, and what a schema cannot say."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from cellfate.base.errors import raise_first
from cellfate.base.names import MARKUP
from cellfate.planning.config_files import Given, Source, file_of, read_settings, unset_hint

# installed beside this module; in a clone a link to the workflow's schemas
SCHEMA = Path(__file__).with_name("config.schema.yaml")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the schema is read for every command and cluster job, in C ten times as fast
LARGEST = 2**32 - 1  # of any number; most keys have a limit of their own
RENAMED = {"statistics.frames": "statistics.high_by"}  # since 0.2


def check_config(config: dict, schema_path: str | Path, config_files: Sequence[Source]) -> None:
    """Check the merged configuration; raise an InputError that names the file, the key and the value.

    ``config_files`` are the files that were merged, in that order, and what the command line gives; the error names the last one that
    sets the key. Files that give a key twice are refused.
    """
    for source in config_files:
        if not isinstance(source, Given):
            read_settings(source)
    raise_first(config_problems(config, schema_path, config_files))


def config_problems(config: dict, schema_path: str | Path, config_files: Sequence[Source]) -> Iterator[str]:
    """Every problem of the merged configuration: first those with the schema, then the rules between keys that are well-formed."""
    unfit = unfit_values(config)
    for key, (value, wanted) in unfit.items():
        yield f"{file_of(key.split('.'), config_files)}: {key} is {value!r}, {wanted}"
    errors = [error for error in schema_errors(config, schema_path) if ".".join(map(str, error.absolute_path)) not in unfit]
    told = set()
    for error in errors:
        for problem in _explanations(best_match([error]), config_files):
            if problem not in told:
                told.add(problem)
                yield problem
    yield from _broken_rules(config, config_files, broken_keys(errors) | set(unfit))


def unfit_values(config: object, above: str = "") -> dict[str, tuple[object, str]]:
    """What no key takes, by dotted key, with what is wanted: huge numbers, text with line breaks or markup, names that are no text.

    The free section ``notes`` may have several lines.
    """
    if isinstance(config, Mapping | list):
        if isinstance(config, Mapping) and (no_text := [key for key in config if not isinstance(key, str)]):
            wanted = "and its name is no text: it is needed in quotes"  # YAML takes 1 for a number and no for a falsehood
            return {f"{above}.{key}".lstrip("."): (config[key], wanted) for key in no_text}
        inner = config.items() if isinstance(config, Mapping) else enumerate(config)
        return {name: why for key, value in inner for name, why in unfit_values(value, f"{above}.{key}".lstrip(".")).items()}
    if isinstance(config, float) and not math.isfinite(config):
        return {above: (config, "a finite number is needed")}
    if isinstance(config, int | float) and abs(config) > LARGEST:
        return {above: (config, f"at most {LARGEST} is allowed, with either sign")}
    if isinstance(config, str) and not above.startswith("notes.") and any(ord(sign) < ord(" ") or sign == "\x7f" for sign in config):
        return {above: (config, "text of one line is needed, without control characters")}
    if isinstance(config, str) and not above.startswith("notes.") and MARKUP.search(config):
        return {above: (config, "text without </ and <!-- is needed, which the report's page would take for markup")}
    return {}


def schema_errors(config: dict, schema_path: str | Path) -> list[ValidationError]:
    """All violations of the schema, the most telling one first."""
    schema = yaml.load(Path(schema_path).read_text(), Loader=_LOADER)  # a safe one
    errors = list(Draft202012Validator(schema).iter_errors(config))
    first = best_match(errors)
    while first is not None and first.parent is not None:
        first = first.parent
    return sorted(errors, key=lambda error: (error is not first, list(map(str, error.absolute_path))))


def broken_keys(errors: list[ValidationError]) -> set[str]:
    """The dotted keys that violate the schema, those that are missing among them; a key that is unknown breaks no other."""
    broken = set()
    for error in errors:
        path = ".".join(map(str, error.absolute_path))
        if error.validator == "required":
            broken |= {f"{path}.{key}".lstrip(".") for key in error.validator_value if key not in error.instance}
        elif error.validator != "additionalProperties":
            broken.add(path)
    return broken


def is_broken(key: str, broken: Collection[str]) -> bool:
    """Whether a dotted key, or one above or below it, is among the broken ones; '' is the whole configuration."""
    return any(not other or f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}.") for other in broken)


def _explanations(error: ValidationError, config_files: Sequence[Source]) -> Iterator[str]:
    path = [str(part) for part in error.absolute_path]
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        for unknown in [key for key in error.instance if key not in known]:
            where = ".".join([*path, str(unknown)])
            hint = f"it is {RENAMED[where]} now" if where in RENAMED else f"known here: {', '.join(known)}"
            yield f"{file_of([*path, unknown], config_files)}: unknown key {where}; {hint}"
        return
    if error.validator == "required":
        for absent in [key for key in error.validator_value if key not in error.instance]:
            yield f"{file_of(path, config_files)}: key {'.'.join([*path, absent])} is missing"
        return
    wanted = {
        "enum": lambda: f"one of {', '.join(map(str, error.validator_value))} is needed",
        "minimum": lambda: f"at least {error.validator_value} is needed",
        "exclusiveMinimum": lambda: f"more than {error.validator_value} is needed",
        "maximum": lambda: f"at most {error.validator_value} is allowed",
        "not": lambda: "an odd number is needed" if "multipleOf" in error.validator_value else error.message,
        "type": lambda: f"{' or '.join(_as_list(error.validator_value))} is needed",
    }.get(error.validator, lambda: error.message)()
    yield f"{file_of(path, config_files)}: {'.'.join(path)} is {error.instance!r}, {wanted}"


def _as_list(value: str | list) -> list:
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True)
class Rule:
    """A rule between keys. ``holds`` gets the values of ``keys`` (dotted), the first of which the error names with the reason.

    ``message`` is the reason, with {0}, {1} ... for the values, or a function of the values that gives it.
    """

    keys: tuple[str, ...]
    holds: Callable[..., bool]
    message: str | Callable[..., str]

    def reason(self, values: list) -> str:
        """Why the values do not go together."""
        return self.message.format(*values) if isinstance(self.message, str) else self.message(*values)


def _embedding_width(width: int, block: str) -> int:
    return width * 8 * (4 if block == "bottleneck" else 1)


def _rising(values: list | str | None) -> bool:
    return not isinstance(values, list) or sorted(set(values)) == values


def min_frames_of(config: Mapping) -> int:
    """The number of frames that a trajectory of the protocol must exceed: its own, else that of the crops."""
    own = config["trajectories"]["min_frames"]
    return config["crops"]["min_frames"] if own is None else own


def _not_of_crops(nothing: object) -> Callable[..., bool]:
    """Whether a key is ``nothing``, which it must be for ready-made crops."""
    return lambda value, kind: kind != "crops" or value == nothing


def label_words(config: Mapping) -> list[str]:
    """The events that people may give to tracks: where the end without one is compared with one, that is ``neither`` of the labels."""
    words = [config["outcomes"]["negative"], config["outcomes"]["positive"], *config["explorer"]["label"]["outcomes"]]
    return [word for word in words if word not in NO_OUTCOMES]


NO_OUTCOMES = ("neither", "cannot_tell", "censored", "no_event_by_end")  # of labels and of tracks without an event
NOT_LARGER = "the first must not be larger than the second"
OF_DATA_SET = [  # folders of results/{dataset} that all protocols share, and names that would be taken for those of a protocol's files
    *("annotations", "benchmarks", "crops", "crops-fated", "drift", "features", "frame_masks", "masks", "predictions"),
    *("figures", "model", "reference", "rings", "rings-fated", "tables", "tracking", "tracks", "transition", "truth"),
]
RULES = (
    Rule(("protocol",), lambda name: name not in OF_DATA_SET, "results/<dataset> has such a folder already: another name is needed"),
    Rule(("split.fractions",), lambda parts: math.isclose(sum(parts), 1, abs_tol=1e-6), "train, validation and test must add up to 1"),
    Rule(
        ("split.unit", "split.folds", "split.fractions"),
        lambda unit, folds, parts: unit != "source_code" or (folds == 1 and parts == [0.8, 0.1, 0.1]),
        "which is one split by 0.8, 0.1, 0.1: split.folds is {1}, split.fractions {2}",
    ),
    Rule(("split.folds",), lambda folds: folds != 2, "1 (one split) or at least 3 (train, validation and test parts) is needed"),
    Rule(
        ("statistics.windows",),
        lambda edges: not isinstance(edges, list) or edges == sorted(edges),
        "the edges of windows must rise, in hours before the end",
    ),
    Rule(
        ("tracks.min_confidence", "tracks.doubt", "source.kind"),
        lambda least, doubt, kind: least is None or (doubt is not None and kind != "crops"),
        "but nothing says how likely tracks are one cell (tracks.doubt: {1}, source.kind: {2}); null is needed",
    ),
    Rule(("outcomes.positive", "outcomes.negative"), lambda one, other: one != other, "the two outcomes must differ"),
    Rule(("outcomes",), lambda names: "censored" not in names.values(), "censored tracks have no outcome that could be compared"),
    Rule(
        ("trajectories.min_frames", "crops.min_frames"),
        lambda trajectories, crops: trajectories is None or trajectories >= crops,
        "at least crops.min_frames ({1}) is needed, as shorter tracks have no crops; null is that number, and a lower crops.min_frames "
        "cuts more",
    ),
    Rule(
        ("scaling_frames", "crops.min_frames", "scaling"),
        lambda frames, crops, scaling: scaling != "recording" or frames <= crops,
        "at most crops.min_frames ({1}) is allowed, so that the first prediction of a track needs no later frame",
    ),
    Rule(
        ("model.encoder_heads", "model.width", "model.block"),
        lambda heads, width, block: _embedding_width(width, block) % heads == 0,
        lambda heads, width, block: f"must divide the width of the embeddings, {_embedding_width(width, block)}",
    ),
    Rule(
        ("embedding.tracks", "crops.tracks"),
        lambda embedded, cut: embedded == "fated" or cut == "all",
        "crops.tracks is {1}: other tracks have no crops; all is needed there, or fated here",
    ),
    Rule(
        ("crops.tracks", "risks.enabled"),
        lambda cut, enabled: cut == "all" or not enabled,
        "but risks are learned from tracks without a fate too: all is needed, or risks.enabled: false",
    ),
    Rule(("risks.bins_hours",), lambda edges: edges[0] == 0 and _rising(edges), "numbers must rise from 0, each once"),
    Rule(
        ("risks.horizons_hours", "risks.bins_hours"),
        lambda hours, edges: _rising(hours) and hours[-1] <= edges[-1],
        lambda hours, edges: f"numbers must rise, each once, to the last of risks.bins_hours ({edges[-1]}) at most",
    ),
    Rule(
        ("risks.inputs.features", "segmentation.tracks"),
        lambda features, tracks: not features or tracks == "all",
        "only held-out cells are segmented: false is needed, or segmentation.tracks: all",
    ),
    Rule(("model.input_size", "crops.size"), lambda inner, size: inner <= size, "at most crops.size ({1}) is allowed"),
    Rule(
        ("training.shuffle_labels", "training.checkpoint"),
        lambda shuffled, checkpoint: not shuffled or checkpoint is None,
        "nothing is trained where training.checkpoint is imported ({1}): false is needed",
    ),
    Rule(("evaluation.truncation",), _rising, "numbers must rise, each once"),
    Rule(("evaluation.last_k",), _rising, "numbers must rise, each once"),
    Rule(("augmentation.end_mask_fraction",), lambda ends: ends[0] <= ends[1], NOT_LARGER),
    Rule(("augmentation.start_mask_fraction",), lambda ends: ends[0] <= ends[1], NOT_LARGER),
    Rule(("augmentation.blur_sigma",), lambda ends: 0 < ends[0] <= ends[1], "two positive numbers in rising order are needed"),
    Rule(
        ("attention.splits", "split.folds"),
        lambda splits, folds: folds == 1 or set(splits) == {"test"},
        "with several folds each trajectory is held out once: [test] is needed",
    ),
    Rule(
        ("statistics.splits", "attention.splits"),
        lambda splits, shown: set(splits) <= set(shown),
        lambda splits, shown: f"must be among attention.splits ({', '.join(shown)})",
    ),
    Rule(
        ("statistics.high_by", "attention.occlusion_window"),
        lambda frames, window: frames == "attention" or window is not None,
        "attention.occlusion_window is needed for it, which is null",
    ),
    Rule(
        ("statistics.splits", "segmentation.tracks"),
        lambda splits, tracks: tracks == "all" or set(splits) == {"test"},
        "only held-out cells are segmented: [test] is needed, or segmentation.tracks: all",
    ),
    Rule(
        ("segmentation.whole_frames_from", "source.kind"),
        _not_of_crops(None),
        "ready-made crops (source.kind: crops) have no whole frames: null is needed",
    ),
    Rule(
        ("registration.method", "source.kind"),
        _not_of_crops("none"),
        "ready-made crops (source.kind: crops) have no whole frames that could drift: none is needed",
    ),
    Rule(
        ("tracks.outcomes_from.divisions", "source.kind"),
        _not_of_crops(None),
        "ready-made crops (source.kind: crops) have no daughters in a file: null is needed, and the outcome in the sheet",
    ),
    Rule(
        ("tracks.corrections", "source.kind"),
        _not_of_crops(None),
        "the outcomes of ready-made crops (source.kind: crops) stand in their sheet: null is needed, and the right outcome there",
    ),
    Rule(
        ("tracks.edited", "source.kind"),
        _not_of_crops(None),
        "ready-made crops (source.kind: crops) have no tracks that could be edited: null is needed",
    ),
    Rule(
        ("tracks.labels", "source.kind"),
        _not_of_crops(None),
        "the outcomes of ready-made crops (source.kind: crops) stand in their sheet: null is needed, and the labels there",
    ),
    *(
        Rule((key,), lambda word: word not in NO_OUTCOMES[:2], "labels mean something else by this word, another one is needed")
        for key in ("outcomes.negative", "outcomes.positive")
    ),
    Rule(
        ("explorer.label.outcomes", "outcomes.negative", "outcomes.positive"),
        lambda others, *compared: not set(others) & {*compared, *NO_OUTCOMES},
        lambda others, *compared: f"other words than {', '.join([*compared, *NO_OUTCOMES])} are needed",
    ),
    Rule(
        ("prediction.model", "source.kind"),
        _not_of_crops(None),
        "snakemake predict reads whole recordings with tracks, not ready-made crops (source.kind: crops): null is needed",
    ),
    Rule(
        ("transition.condition.column", "transition.condition.control"),
        lambda column, control: column is None or control is not None,
        "transition.condition.control is needed for it, which is null",
    ),
    Rule(
        ("transition.compare.matrix", "transition.targets.kind", "transition.source"),
        lambda matrix, kind, source: matrix is None or kind != "static" or source == "features",
        "transition.targets.kind is static, which gives no P that could stand beside it: null is needed",
    ),
    Rule(
        ("transition.targets.kind", "transition.source"),
        lambda kind, source: source != "features" or kind in ("static", "observed"),
        "of tracked cells (transition.source: features) the next phenotypes are observed: leave it out",
    ),
    Rule(
        ("transition.tracks.hours", "transition.tracks.files", "transition.source"),
        lambda hours, tables, source: source != "features" or (hours is None) == (tables is None),
        "it is the hours of one step of transition.tracks.time in your own transition.tracks.files, and null without these",
    ),
    Rule(
        ("transition.variants", "transition.expression.kind", "transition.source"),
        lambda variants, kind, source: "literal" not in variants or "features" not in (kind, source),
        "literal takes logarithms of counts, and features are none: leave it out",
    ),
    Rule(
        ("segmentation.whole_frames_from", "segmentation.ladder"),
        lambda crops, ladder: crops is None or ladder == "single",
        "the published ladder works on crops: null is needed, or segmentation.ladder: single",
    ),
)


def transition_settings(config: dict) -> dict:
    """The section ``transition`` as its steps take it: of tracked cells (source: features) the next phenotype is the one that is seen."""
    settings = config["transition"]
    if settings["source"] != "features":
        return settings
    seen = {"kind": "observed", "column": "next_phenotype", "separator": None, "step": settings["tracks"]["lag_h"], "time_unit": "hour"}
    own = {"targets": settings["targets"] | seen, "expression": settings["expression"] | {"layer": "X", "kind": "features"}}
    return settings | own | {"label": "phenotype", "group": settings["group"] or "track"}


def _value(config: dict, key: str) -> object:
    for part in key.split("."):
        config = config[part]
    return config


def _broken_rules(config: dict, config_files: Sequence[Source], broken: Collection[str]) -> Iterator[str]:
    """The rules that do not hold, of those whose keys are not broken."""
    for rule in RULES:
        if any(is_broken(key, broken) for key in rule.keys):
            continue
        values = [_value(config, key) for key in rule.keys]
        if not rule.holds(*values):
            key = rule.keys[0]
            path = key.split(".")
            yield f"{file_of(path, config_files)}: {key} is {values[0]!r}{unset_hint(path, config_files)}, {rule.reason(values)}"
