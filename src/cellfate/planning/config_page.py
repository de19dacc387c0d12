"""The page config/README.md: every key of the configuration in words, from its schema and the defaults in config/config.yaml.

``python -m cellfate.planning.config_page`` writes it, started in the folder of the project.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from cellfate.base.errors import InputError
from cellfate.base.files import replacing

SCHEMA, DEFAULTS, PAGE = "workflow/schemas/config.schema.yaml", "config/config.yaml", "config/README.md"
NO_DEFAULT = object()
KINDS = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false", "object": "section"}
SELF_EVIDENT = ("text", "text or null", "true or false", "list", "section")  # default and description show as much

INTRODUCTION = """\
# Settings

<!-- Made by `make config-page` from workflow/schemas/config.schema.yaml and config/config.yaml: change those, not this page. -->

Every key of the configuration in words. The defaults are in [config.yaml](config.yaml): the published data set, the corrected method.

## What belongs here

Settings and sheets of your own data sets. Leave config.yaml, which holds every default, as it is and write only what differs from it:

```yaml
# config/my_config.yaml
dataset: mine
recordings: config/my_recordings.tsv
source: {kind: local}
segmentation: {channel: p53, diameter: 40}
evaluation: {treatment: null}
```

`snakemake --configfile config/my_config.yaml --cores 8` runs it. Any other folder will do too: all paths, in settings and in sheets, are
as seen from the folder in which snakemake is started.

## Overlays

Such a file is an overlay: it changes single keys, every other one keeps its value. A list is replaced as a whole. Several are laid over
each other in their order, `--configfile config/my_config.yaml paper.yaml`, and where two set the same key the last one wins. Some come
with the project: `paper.yaml` (the paper's protocol), `fast.yaml` (a large GPU), `demo/config.yaml` and those in `examples/`. The merged
settings are checked before anything runs: an unknown key, a key that a file gives twice, a value that is not allowed (numbers that are
not finite or beyond reason among them), or keys that disagree are an error that names the file and the key. A file that is empty, no
text in UTF-8 or no settings at all is refused by Snakemake itself, not always by its name: `cellfate check` names it and the line.

`--config` sets single keys on the command line, over all files: `--config seed=1 "risks={training: {members: 5}}"`. Errors call it so.

## The sheet of recordings

`recordings` names a table with one row per recording, separated by tabs, or by commas where its name ends in `.csv`. A row that begins
with `#` is left out. [demo/recordings.tsv](../demo/recordings.tsv) is an example.

| column | what it is | may be empty |
|---|---|---|
| recording | its name: letters, digits, `_`, `-`, `.` | no |
| images | folder of its frames, or [another file or pattern](../docs/recordings.md) | no |
| tracks, tracks_format | file or folder of its [tracks](../docs/tracks.md), and their format | both: then its cells are tracked here |
| treatment, dose | drug and dose, any words; an empty treatment is `none` | yes |
| treatment_start_h | hours from the first frame to the treatment | yes |
| frame_interval_min | minutes from one frame to the next | no |
| pixel_size_um | micrometres per pixel | yes |
| channels | names of the channels, separated by commas, the same in every row | no |
| group | what a split must keep together, such as the well or the day | unless `split.unit` is group |
| channel_labels | what the files call these channels, where they name them otherwise | yes |
| last_image | number of the last frame that counts, from 0 on; later ones and what the tracks say of them are left out | yes |

A column in which every cell may be empty may be left out. With `source.kind` crops the sheet has one row per cell instead:
[its columns](../docs/recordings.md).

## All keys

Keys are given by their path inside the section: `targets.kind` in the section transition is `transition: {targets: {kind: ...}}`, and
`doses[].first` is the key `first` in each entry of the list `doses`. A dash stands where config.yaml gives no single value. What is
allowed besides the words of a description stands in brackets behind it; brackets in front, such as *(download)*, name the choice for
which a key counts.
"""


def config_page(schema: Mapping, defaults: Mapping) -> str:
    """The page as Markdown: an introduction, then a table of keys for each section of the schema.

    ``schema`` is the configuration's JSON schema with a description beside every key, ``defaults`` the settings in config.yaml.
    """
    keys, known = schema["properties"], schema.get("$defs", {})
    sections = {name: node for name, node in keys.items() if node.get("type") == "object"}
    alone = {name: node for name, node in keys.items() if name not in sections}
    contents = "Sections: " + ", ".join(f"[{name}](#{name})" for name in sections)
    parts = [INTRODUCTION + "\n" + contents, "### Keys without a section", _table(alone, defaults, known)]
    for name, node in sections.items():
        parts += [f"### {name}", _sentence(node["description"])]
        if "properties" in node:
            parts.append(_table(node["properties"], defaults.get(name, {}), known))
    return "\n\n".join(parts) + "\n"


def _table(properties: Mapping, defaults: Mapping, known: Mapping) -> str:
    lines = ["| key | default | what it is |", "|---|---|---|"]
    for path, node, default in _rows(properties, defaults):
        values = allowed(node, known)
        what = _linked(_marked(node)) + (f" *({values})*" if values else "")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in (f"`{path}`", _default(default, node), what)) + " |")
    return "\n".join(lines)


def _rows(properties: Mapping, defaults: Mapping, above: str = "") -> Iterator[tuple[str, Mapping, object]]:
    """Path, schema and default of each key, every section before its keys; entries of a list of sections are ``list[].key``."""
    for name, node in properties.items():
        default = defaults.get(name, NO_DEFAULT)
        yield above + name, node, default
        yield from _rows(node.get("properties", {}), default if isinstance(default, Mapping) else {}, f"{above}{name}.")
        yield from _rows(node.get("items", {}).get("properties", {}), {}, f"{above}{name}[].")


def _default(value: object, node: Mapping) -> str:
    """A default as one would write it in YAML; nothing for a section, whose keys have their own."""
    if "properties" in node:
        return ""
    if value is NO_DEFAULT:
        return "–"
    if isinstance(value, list) and any(isinstance(entry, Mapping) for entry in value):
        return f"{len(value)} entries"
    written = yaml.safe_dump(value, default_flow_style=True, width=sys.maxsize).strip()
    return f"`{written.removesuffix('...').strip()}`"


def allowed(node: Mapping, known: Mapping) -> str:
    """Which values the schema of one key allows, in words; empty where its description says as much.

    ``known`` are the schema's ``$defs``; one with a description is named by that.
    """
    explained = "enum" in node and all(f"{value}:" in node.get("description", "") for value in node["enum"])
    values = _values(node, known)
    return "" if explained or values in SELF_EVIDENT else values


def _values(node: Mapping, known: Mapping) -> str:
    if "$ref" in node:
        named = known[node["$ref"].rsplit("/", 1)[1]]
        return named.get("description") or _values(named, known)
    if "anyOf" in node:
        return ", or ".join(_values(option, known) for option in node["anyOf"])
    if "enum" in node:
        return "one of " * (len(node["enum"]) > 1) + ", ".join(f"`{value}`" for value in node["enum"])
    kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
    words = [_list(node, known) if kind == "array" else KINDS[kind] for kind in kinds if kind != "null"]
    if kinds == ["null"]:
        return "null"
    limits = _limits(node)
    return ", ".join([*words, *limits]) + ("," * bool(limits) + " or null" if "null" in kinds else "")


def _list(node: Mapping, known: Mapping) -> str:
    """``list of 3; each: number, above 0``: how many entries, and what each may be."""
    least, most = node.get("minItems", 0), node.get("maxItems")
    size = f" of {most}" if most == least else ""
    entry = _values(node["items"], known)
    each = f"; each: {entry}" if entry not in SELF_EVIDENT else ""
    once = "; none twice" if node.get("uniqueItems") else ""
    needed = f"; `{node['contains']['const']}` among them" if "contains" in node else ""
    return f"list{size}{each}{once}{needed}"


def _limits(node: Mapping) -> list[str]:
    """The limits of a number, in words."""
    limits = [f"{node['minimum']} to {node['maximum']}"] if {"minimum", "maximum"} <= set(node) else []
    names = {} if limits else {"minimum": "at least", "maximum": "at most"}
    names |= {"exclusiveMinimum": "above", "exclusiveMaximum": "below", "multipleOf": "a multiple of"}
    limits += [f"{word} {node[name]}" for name, word in names.items() if name in node]
    refused = node.get("not", {})
    limits += [f"not {refused['const']}"] if "const" in refused else []
    return limits + ([f"no multiple of {refused['multipleOf']}"] if "multipleOf" in refused else [])


def _marked(node: Mapping) -> str:
    """The description of a key, its values as code where their meaning follows: as are true, false and null."""
    values = [str(value) for value in node.get("enum", [])] + ["true", "false", "null"]
    return re.sub(rf"(?<![\w`-])({'|'.join(map(re.escape, values))}):", r"`\1`:", node["description"])


def _sentence(text: str) -> str:
    """A description as a sentence of its own, with links."""
    return _linked(text[0].upper() + text[1:] + "." * (not text.endswith(".")))


def _linked(text: str) -> str:
    """Pages of the documentation as links from the folder of the page."""
    return re.sub(r"docs/\w+\.md", r"[\g<0>](../\g<0>)", text)


def write_page(folder: str | Path = ".") -> Path:
    """Write the page of the project in ``folder``; returns its path. An InputError when the schema or config.yaml is not there."""
    folder = Path(folder)
    for name in (SCHEMA, DEFAULTS):
        if not (folder / name).is_file():
            raise InputError(f"{folder / name}: no such file; start this in the project's folder")
    schema, defaults = (yaml.safe_load((folder / name).read_text()) for name in (SCHEMA, DEFAULTS))
    with replacing(folder / PAGE) as temporary:
        temporary.write_text(config_page(schema, defaults))
    return folder / PAGE


if __name__ == "__main__":
    try:
        print(f"written: {write_page()}")
    except InputError as error:
        sys.exit(f"Input error: {error}")
