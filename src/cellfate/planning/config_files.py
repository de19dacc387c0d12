"""Files of settings as their users wrote them: read strictly, and asked which of them sets a key."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError

DEFAULTS = Path(__file__).with_name("config.yaml")  # installed beside this module; in a clone a link to config/config.yaml
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C, ten times as fast


@dataclass(frozen=True)
class Given:
    """What the command line sets with ``--config``, laid over all files."""

    values: Mapping = field(default_factory=dict)


Source = str | Path | Given


def read_settings(path: str | Path) -> dict:
    """The settings of a file; none where it is empty.

    Raises an InputError of one line with the file's name where it is not there, no UTF-8, no YAML, holds no keys, or gives a key twice.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(in_words(error, path, "cannot be read")) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(f"{path}: line {line}: not UTF-8 ({error.reason}); save it as UTF-8 text") from error
    try:
        tree = yaml.compose(text, Loader=_LOADER)
        content = yaml.load(text, Loader=_LOADER)  # a safe one
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f"line {mark.line + 1}: "
        raise InputError(f"{path}: {where}not valid YAML: {getattr(error, 'problem', None) or error}") from error
    if content is not None and not isinstance(content, dict):
        raise InputError(f"{path}: keys with values are needed, such as `dataset: mine`; found {content!r:.60}")
    for twice in _keys_given_twice(tree, ""):
        raise InputError(f"{path}: {twice}")
    return content or {}


def _keys_given_twice(node: yaml.Node | None, above: str) -> Iterator[str]:
    """Which keys a mapping has twice, of which YAML would take the last without a word."""
    if isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            yield from _keys_given_twice(entry, above)
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[str, int] = {}
    for key, value in node.value:
        name, line = f"{above}{key.value}", key.start_mark.line + 1
        if name in lines:
            yield f"line {line}: {name} is set a second time, line {lines[name]} sets it too"
        lines[name] = line
        yield from _keys_given_twice(value, f"{name}.")


def file_of(path: Sequence[str], sources: Sequence[Source]) -> str:
    """The last of the sources that sets the key at ``path``, as its users know it; all of them where none does."""
    for source in reversed(sources):
        if _finds(source.values if isinstance(source, Given) else read_settings(source), path):
            return _shown(source)
    return ", ".join(_shown(source) for source in sources if not isinstance(source, Given)) or "--config"


def unset_hint(path: Sequence[str], sources: Sequence[Source]) -> str:
    """Where a key is to be set that no file of the user sets, as what follows its value; nothing where one does, or where there is none."""
    own = [one for one in sources if isinstance(one, Given) or Path(one).resolve() != DEFAULTS.resolve()]
    files = [str(one) for one in own if not isinstance(one, Given)]
    if not files or any(_finds(one.values if isinstance(one, Given) else read_settings(one), path) for one in own):
        return ""
    return f" (the default; set it in {files[0]})"


def _finds(node: object, path: Sequence[str]) -> bool:
    for part in path:
        if isinstance(node, Mapping) and part in node:
            node = node[part]
        elif isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        else:
            return False
    return True


def _shown(source: Source) -> str:
    """The defaults, wherever the package has them, are ``config.yaml``."""
    if isinstance(source, Given):
        return "--config"
    return "config.yaml" if Path(source).resolve() == DEFAULTS.resolve() else str(source)


def sources_of(workflow: Any, config: dict) -> list[Source]:
    """What Snakemake merged to ``config``, in that order: its own file, those of ``--configfile``, and what ``--config`` gives.

    In ``config`` numbers that ``--config`` gives inside a section (``--config "risks={members: 5}"``) become numbers, which Snakemake
    leaves as text; text stays text where the files have text. Raises an InputError for a file that cannot be read.
    """
    files = [file for file in workflow.configfiles if file not in workflow.overwrite_configfiles] + workflow.overwrite_configfiles
    given, below = workflow.config_settings.config, {}
    for file in files:
        below = merged(below, read_settings(file))
    _make_numbers(config, given, below)
    return [*files, Given(given)]


def _make_numbers(config: object, given: Mapping, below: object) -> None:
    for key, value in given.items():
        known = below.get(key) if isinstance(below, Mapping) else None
        if not isinstance(config, dict) or key not in config:
            continue
        if isinstance(value, Mapping):
            _make_numbers(config[key], value, known)
        elif config[key] == value:
            config[key] = _typed(value, known)


def _typed(value: object, known: object) -> object:
    if isinstance(value, list):
        return [_typed(one, known[0] if isinstance(known, list) and known else None) for one in value]
    if not isinstance(value, str) or isinstance(known, str):
        return value
    try:
        return yaml.load(value, Loader=_LOADER)  # a safe one
    except (yaml.YAMLError, ValueError):
        return value


def merged(below: Mapping, above: Mapping) -> dict:
    """``above`` laid over ``below`` as Snakemake's --configfile does it: mappings are merged, everything else is replaced."""
    both = dict(below)
    for key, value in above.items():
        inner = both.get(key)
        both[key] = merged(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return both
