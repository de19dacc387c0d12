"""The page that says every key of the configuration in words, and the descriptions in the schema that it is made from."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from cellfate.base.errors import InputError
from cellfate.planning.config_page import DEFAULTS, PAGE, SCHEMA, allowed, config_page, write_page
from cellfate.recordings.tables import RECORDINGS

ROOT = Path(__file__).parents[3]
THE_SCHEMA = yaml.safe_load((ROOT / SCHEMA).read_text())
CONFIG = yaml.safe_load((ROOT / DEFAULTS).read_text())


def properties(node, above=""):
    """(path, schema) of every property below a schema, wherever it stands: in sections, items of lists, alternatives, definitions."""
    for name, value in node.items():
        if name in ("properties", "$defs"):
            for key, inner in value.items():
                if name == "properties":
                    yield above + key, inner
                yield from properties(inner, f"{above}{key}.")
        elif isinstance(value, dict):
            yield from properties(value, above)
        elif isinstance(value, list):
            for inner in value:
                yield from properties(inner, above) if isinstance(inner, dict) else ()


def key_paths(value, above=""):
    """Dotted paths of all keys of a configuration; those in entries of a list as ``list[].key``."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield above + key
            yield from key_paths(inner, f"{above}{key}.")
    elif isinstance(value, list):
        for inner in value:
            yield from key_paths(inner, above.removesuffix(".") + "[].")


def listed_keys(page):
    """Full paths of the keys in the page's tables: those of a section begin with its name."""
    found, section = [], ""
    for line in page.splitlines():
        if line.startswith("### "):
            section = "" if line == "### Keys without a section" else line.removeprefix("### ") + "."
            found += [section.removesuffix(".")] * bool(section)
        if row := re.match(r"\| `([\w.\[\]]+)` \|", line):
            found.append(section + row[1])
    return found


def test_every_key_of_the_schema_is_described():
    described = dict(properties(THE_SCHEMA))
    assert len(described) >= 222
    assert "source.doses.first" in described
    assert [path for path, node in described.items() if not str(node.get("description", "")).strip()] == []


def test_the_page_in_the_repository_is_what_schema_and_defaults_make():
    assert (ROOT / PAGE).read_text() == config_page(THE_SCHEMA, CONFIG), "run make config-page"


def test_every_key_of_config_yaml_and_of_the_schema_is_on_the_page_once():
    page = config_page(THE_SCHEMA, CONFIG)
    listed = listed_keys(page)
    assert set(key_paths(CONFIG)) - set(listed) == set()
    tables = listed_keys(page[page.index("## All keys") :])
    assert sorted(tables) == sorted(set(tables))
    assert {path.replace("[]", "") for path in tables} == dict(properties(THE_SCHEMA)).keys()


def test_the_page_explains_every_column_of_the_sheet():
    columns = re.findall(r"^\| ([a-z_, ]+) \|", (ROOT / PAGE).read_text(), flags=re.MULTILINE)
    named = {name for cell in columns for name in cell.split(", ")}
    assert set(RECORDINGS.columns) <= named


def test_links_lead_to_files_and_sections_that_exist():
    page = (ROOT / PAGE).read_text()
    targets = re.findall(r"\]\(([^)]+)\)", page)
    assert {"config.yaml", "../docs/tracks.md"} <= set(targets)
    headings = {f"#{line.removeprefix('### ')}" for line in page.splitlines() if line.startswith("### ")}
    assert [t for t in targets if t not in headings and not (ROOT / "config" / t).exists()] == []


def test_a_default_is_written_so_that_it_can_be_copied_into_a_settings_file():
    row = r"^\| `{}` \| `(.*?)` \|"
    page = config_page(THE_SCHEMA, CONFIG)
    for key, value in [
        ("learning_rate", CONFIG["training"]["learning_rate"]),
        ("images", CONFIG["source"]["images"]),
        ("steps", CONFIG["states"]["steps"]),
        ("checkpoint", None),
        ("flip", 0.5),
    ]:
        written = re.search(row.format(key), page, flags=re.MULTILINE)[1]
        assert yaml.safe_load(written) == value


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ({"type": "integer", "minimum": 0}, "whole number, at least 0"),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, "number, above 0, below 1"),
        ({"type": ["number", "null"], "exclusiveMinimum": 0}, "number, above 0, or null"),
        ({"$ref": "#/$defs/share"}, "number, 0 to 1"),
        ({"$ref": "#/$defs/name"}, "letters"),
        ({"type": "integer", "minimum": 0, "not": {"const": 1}}, "whole number, at least 0, not 1"),
        ({"anyOf": [{"type": "integer", "not": {"multipleOf": 2}}, {"type": "null"}]}, "whole number, no multiple of 2, or null"),
        ({"enum": ["cpu", "cuda"], "description": "where it runs"}, "one of `cpu`, `cuda`"),
        ({"enum": ["cpu", "cuda"], "description": "cpu: here; cuda: on a GPU"}, ""),
        ({"type": "boolean", "description": "true: look for it"}, ""),
        ({"type": "array", "minItems": 2, "maxItems": 2, "items": {"$ref": "#/$defs/share"}}, "list of 2; each: number, 0 to 1"),
        (
            {"type": "array", "minItems": 1, "uniqueItems": True, "contains": {"const": "a"}, "items": {"enum": ["a", "b"]}},
            "list; each: one of `a`, `b`; none twice; `a` among them",
        ),
    ],
)
def test_allowed_values_are_said_in_words(node, words):
    known = {"share": {"type": "number", "minimum": 0, "maximum": 1}, "name": {"type": "string", "description": "letters"}}
    assert allowed(node, known) == words


def test_a_choice_is_marked_where_its_meaning_follows():
    key = {"enum": ["cpu", "cuda"], "description": "where it runs. cpu: here; cuda: on a GPU, not on a cpu"}
    schema = {"properties": {"part": {"type": "object", "description": "a part", "properties": {"key": key}}}}
    assert "| `key` | `cpu` | where it runs. `cpu`: here; `cuda`: on a GPU, not on a cpu |" in config_page(schema, {"part": {"key": "cpu"}})


def test_pipes_do_not_end_a_cell():
    key = {"type": "string", "description": "a|b"}
    schema = {"properties": {"part": {"type": "object", "description": "a part", "properties": {"key": key}}}}
    assert "| `key` | `x\\|y` | a\\|b |" in config_page(schema, {"part": {"key": "x|y"}})


def test_the_page_is_written_where_the_project_is(tmp_path):
    with pytest.raises(InputError, match=r"config\.schema\.yaml: no such file"):
        write_page(tmp_path)
    for name in (SCHEMA, DEFAULTS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    assert write_page(tmp_path).read_text() == (ROOT / PAGE).read_text()
