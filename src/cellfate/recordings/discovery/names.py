"""What the names of image files say: which number is the time, which part the channel, and which files are one recording."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from cellfate.frames.folders import CLOCK, TIME

TIME_WORD = r"(?:timepoint|time|frame|tp|t)"
OTHER_WORD = r"(?:channel|chan|ch|c|w|xy|position|pos|p|s|series|site|field|fov|f|well|z|slice|plane)"
NUMBER_WORD = re.compile(rf"(?P<word>[A-Za-z]*)(?P<link>[_-]?)(?P<number>{TIME})")
AFTER = r"(?=$|[^A-Za-z0-9]|(?:t|z|xy|s|p|time)[_-]?[\d{])"
CHANNEL_TOKEN = re.compile(rf"(?<![A-Za-z])(?:(?:channel|chan|ch|c|w)[_-]?\d+{AFTER}|w\d[A-Za-z][A-Za-z0-9-]*(?=_|$))", re.IGNORECASE)
Z_TOKEN = re.compile(r"(?<![A-Za-z])(?:z|slice|plane)[_-]?\d+", re.IGNORECASE)
CHANNEL_WORD = re.compile(
    r"(?:channel|chan|ch|c|w)[ _-]?\d+|phase\w*|ph\d?|bf|bright\w*|dic|trans\w*|e?[gyrcb]fp\w*|m?cherry|tdtomato|dsred|m?venus|m?citrine|"
    r"m?cerulean|mscarlet\w*|mruby\d?|mneongreen|m?turquoise\w*|dapi|hoechst\w*|fitc|tritc|texas_?red|cy\d|alexa\w*|red|green|blue|yellow|"
    r"nir|far_?red|nuc\w*|membrane|cyto\w*|actin|tubulin|h2b\w*|fucci\w*|sir\w*|p53|p21|erk\w*|cdk2?|pcna|geminin|cdt1|reporter|[pgr]",
    re.IGNORECASE,
)
SEPARATORS = re.compile(r"([_\-. ]+)")
EMPTY_WORDS = re.compile(rf"(?:{TIME_WORD}|img|image|images|z0*|frames?)", re.IGNORECASE)
MOST_CHANNELS = 8


@dataclass
class FileGroup:
    """Files of one folder that are one recording: by channel ('' where the names have none), then by time (None without)."""

    pattern: str
    suffix: str
    files: dict[str, dict[int | None, Path]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def channels(self) -> list[str]:
        """The channels that the names have, in their order."""
        return sorted(name for name in self.files if name)

    @property
    def first(self) -> Path:
        """The first file of the first channel."""
        files = self.files[min(self.files)]
        return files[min(files, key=lambda time: -1 if time is None else time)]

    @property
    def name(self) -> str:
        """What is left of the names without time and channel."""
        words = [word for word in re.split(r"[_\-. ]+|\{time\}|\{channel\}", self.pattern) if word]
        return "_".join(word for word in words if not EMPTY_WORDS.fullmatch(word))

    @property
    def interval_min(self) -> float | None:
        """Minutes from frame to frame where the names tell the time as days, hours and minutes; None otherwise."""
        times = sorted(time for time in self.files[min(self.files)] if time is not None)
        steps = {later - time for time, later in pairwise(times)}
        clock = CLOCK.search(self.first.stem) is not None
        return float(steps.pop()) if clock and len(steps) == 1 else None


def group_files(files: Sequence[Path], timed: bool = True) -> list[FileGroup]:
    """Sort the image files of one folder into recordings; files whose names have no time stand under the time None.

    Without ``timed`` no number in the names is a time: each file holds all of them.
    """
    places = time_places([file.stem for file in files]) if timed else [None] * len(files)
    templates: dict[tuple[str, str], dict[int | None, Path]] = defaultdict(dict)
    for file, place in zip(files, places, strict=True):
        template = file.stem if place is None else file.stem[: place[0]] + "{time}" + file.stem[place[1] :]
        time = None if place is None else _minutes(file.stem[place[0] : place[1]])
        templates[template, file.suffix][time] = file
    suffixes = sorted({suffix for _, suffix in templates})
    return [group for suffix in suffixes for group in _recordings({t: f for (t, s), f in templates.items() if s == suffix}, suffix)]


def _minutes(text: str) -> int:
    clock = CLOCK.fullmatch(text)
    if clock is None:
        return int(text)
    days, hours, minutes = map(int, clock.groups())
    return (24 * days + hours) * 60 + minutes


def time_places(stems: Sequence[str]) -> list[tuple[int, int] | None]:
    """Where in each name the time stands: a clock time, a number behind a word for time, or the last that changes."""
    for search in (_clock_place, _worded_place):
        places = [search(stem) for stem in stems]
        if all(places):
            return places
    numbers = [_numbers(stem) for stem in stems]
    if len({len(places) for places in numbers}) == 1:
        for index in reversed(range(len(numbers[0]))):
            places = [places[index] for places in numbers]
            if len({stem[slice(*place)] for stem, place in zip(stems, places, strict=True)}) > 1:
                return places
    return [places[-1] if places else None for places in numbers]


def _clock_place(stem: str) -> tuple[int, int] | None:
    match = CLOCK.search(stem)
    return match and match.span()


def _worded_place(stem: str) -> tuple[int, int] | None:
    match = re.search(rf"(?:^|[^A-Za-z]){TIME_WORD}[_-]?(\d+)", stem, re.IGNORECASE)
    return match and match.span(1)


def _numbers(stem: str) -> list[tuple[int, int]]:
    """Where the numbers of a name stand, without those of a channel, position or focal plane."""
    return [match.span("number") for match in NUMBER_WORD.finditer(stem) if not re.fullmatch(OTHER_WORD, match["word"], re.IGNORECASE)]


def _recordings(templates: dict[str, dict[int | None, Path]], suffix: str) -> list[FileGroup]:
    """The groups of templates that differ in their channel only."""
    notes: list[str] = []
    channel_places = _channel_places(list(templates), templates, notes)
    groups: dict[str, FileGroup] = {}
    for template, files in templates.items():
        place = channel_places.get(template)
        pattern = template if place is None else template[: place[0]] + "{channel}" + template[place[1] :]
        channel = "" if place is None else template[place[0] : place[1]]
        groups.setdefault(pattern, FileGroup(pattern, suffix, notes=list(notes))).files[channel] = files
    return list(groups.values())


def _channel_places(names: list[str], templates: dict, notes: list[str]) -> dict[str, tuple[int, int]]:
    """Where in each template the channel stands; nothing where the names do not tell one."""
    if len(names) < 2:
        return {}
    tokens = {name: match.span() for name in names if (match := CHANNEL_TOKEN.search(name))}
    if len(tokens) == len(names) and len({name[slice(*tokens[name])] for name in names}) > 1:
        return tokens
    parts = {name: SEPARATORS.split(name) for name in names}
    if len({len(part) for part in parts.values()}) == 1:
        for index in range(0, len(parts[names[0]]), 2):
            values = {parts[name][index] for name in names}
            if len(values) > 1 and all(CHANNEL_WORD.fullmatch(value) for value in values):
                return {name: _span_of(parts[name], index) for name in names}
    return _between(names, templates, notes)


def _span_of(parts: list[str], index: int) -> tuple[int, int]:
    start = len("".join(parts[:index]))
    return start, start + len(parts[index])


def _between(names: list[str], templates: dict, notes: list[str]) -> dict[str, tuple[int, int]]:
    """What stands between the common beginning and end of the templates, when one of those words is a known channel's."""
    if len(names) > MOST_CHANNELS or len({frozenset(templates[name]) for name in names}) > 1:
        return {}
    parts = [SEPARATORS.split(name) for name in names]
    start = len("".join(_common(parts)))
    end = len("".join(_common([part[::-1] for part in parts])))
    between = {name: (start, len(name) - end) for name in names}
    words = [name[slice(*between[name])] for name in names]
    known = [word for word in words if CHANNEL_WORD.fullmatch(word)]
    if not all(words) or not known:
        return {}
    if len(known) < len(words):
        notes.append(f"{', '.join(sorted(words))} were taken for channels, as {known[0]} is one")
    return between


def _common(parts: Iterable[list[str]]) -> list[str]:
    common = []
    for column in zip(*parts, strict=False):
        if len(set(column)) > 1:
            break
        common.append(column[0])
    return common if len(common) % 2 == 0 else common[:-1] + ([common[-1]] if SEPARATORS.fullmatch(common[-1]) else [])


def focal_planes(groups: Sequence[FileGroup]) -> list[str]:
    """The focal planes of groups whose patterns differ in them alone; an empty list where there are none."""
    planes = [match[0] for group in groups if (match := Z_TOKEN.search(group.pattern))]
    without = {Z_TOKEN.sub("", group.pattern) for group in groups}
    return sorted(set(planes)) if len(set(planes)) > 1 and len(without) < len(groups) else []


def is_channel(name: str) -> bool:
    """Whether a name of a folder is one that channels have; c1 and w1 may as well be conditions or wells."""
    return CHANNEL_WORD.fullmatch(name) is not None and re.fullmatch(r"[cw][ _-]?\d+", name, re.IGNORECASE) is None


def is_time(name: str) -> bool:
    """Whether a name of a folder is a time point."""
    return re.fullmatch(rf"{TIME_WORD}?[_-]?(?:{TIME})", name, re.IGNORECASE) is not None
