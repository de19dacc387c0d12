"""The page for those who change the code says what is there: its drawing, its rooms, and every file that it names."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
SPEC = importlib.util.spec_from_file_location("make_architecture", ROOT / "docs/make_architecture.py")
made = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(made)

CONTRACTS = [
    {"name": "Down only", "type": "layers", "layers": ["a | bb", "c"]},
    {"name": "No torch", "type": "forbidden"},
]


def project(folder: Path, docstring: str = '"""What ``a`` is for:\na | b."""') -> Path:
    """A project with one room and one contract."""
    (folder / "src/cellfate/a").mkdir(parents=True)
    (folder / "src/cellfate/a/__init__.py").write_text(docstring)
    lines = ["[[tool.importlinter.contracts]]", 'name = "Down only"', 'type = "layers"', 'layers = ["a"]']
    (folder / "pyproject.toml").write_text("\n".join(lines))
    return folder


def test_the_page_has_the_layers_of_the_contract_and_the_docstrings_of_the_rooms():
    assert made.with_made_parts(PAGE, made.made_parts(ROOT)) == PAGE, "run make architecture-page"


def test_every_room_is_on_the_page():
    rooms = {file.parent.name for file in (ROOT / "src/cellfate").glob("*/__init__.py")}
    assert len(rooms) > 20
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE)) == rooms


def test_every_file_that_the_page_names_exists():
    named = set(made.paths_named(PAGE))
    assert {"src/cellfate/frames/formats.py", "workflow/Snakefile", "pyproject.toml", "config/config.yaml"} <= named
    made_elsewhere = {"results/", "resources/", ".venv/bin/lint-imports"}
    assert {path for path in named - made_elsewhere if not (ROOT / path).exists()} == set()


def test_every_link_of_the_page_leads_to_a_file():
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert "../CONTRIBUTING.md" in links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_the_steps_and_files_of_the_diagram_are_rules_and_outputs_of_the_workflow():
    rules = "\n".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk")).replace("{kind}", "")  # as by default
    diagram = PAGE[PAGE.index("```text") : PAGE.index("## The rooms")]
    files = set(re.findall(r"[\w{}/.-]+/(?:[\w{}-]+\.)?[\w-]+\b|[\w{}-]+\.[\w.]*\w", diagram)) - {"figures/figure_2.pdf"}
    assert {"crops/{recording}.h5", "fold-{fold}/model", "trajectories.parquet", "summary.html"} <= files
    assert {file for file in files if f"/{file}" not in rules} == set()
    steps = set(re.findall(r"(?<![\w/{])[a-z]+_[a-z_]*[a-z](?![\w./}])", diagram))
    assert {"read_tracks", "extract_crops", "train_model", "write_summary"} <= steps
    assert {step for step in steps if f"rule {step}:" not in rules} == set()


def test_functions_and_constants_that_the_page_sends_to_are_there():
    code = "\n".join(
        file.read_text() for folder in ("src", "tests", "workflow") for file in (ROOT / folder).rglob("*") if file.suffix in (".py", ".smk")
    )
    names = set(re.findall(r"`([A-Za-z_]+)(?:\([\w, ]*\))?`", PAGE[PAGE.index("## What makes a job run again") :]))
    assert {"FORMATS", "MICROSCOPE_SUFFIXES", "_n_channels", "WRITERS", "FIGURES", "draw_all"} <= names
    assert {name for name in names if not re.search(rf"\b{name}\b", code)} == set()


def test_rooms_of_one_layer_stand_side_by_side():
    lines = made.drawing(made.layers_of(CONTRACTS)).splitlines()
    assert [line.replace(" ", "") for line in lines if line.startswith("|")] == ["|a|bb|", "|c|"]
    assert {len(line) for line in lines[1:-1]} == {made.WIDTH}


def test_the_laws_are_the_names_of_the_contracts():
    assert made.laws(CONTRACTS) == "- Down only.\n- No torch."


def test_a_docstring_is_one_line_of_the_table(tmp_path):
    parts = made.made_parts(project(tmp_path))
    assert parts["rooms"].splitlines()[-1] == r"| `a` | What `a` is for: a \| b. |"


def test_a_room_that_says_nothing_of_itself_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"a/__init__\.py: a docstring is needed"):
        made.made_parts(project(tmp_path, docstring="x = 1"))


@pytest.mark.parametrize(
    "page", ["", "<!-- made: a -->\n", "<!-- end: a -->\n<!-- made: a -->\n", 2 * "<!-- made: a -->\n<!-- end: a -->\n"]
)
def test_a_mark_that_is_missing_or_there_twice_is_an_error(page):
    with pytest.raises(ValueError, match="made: a --> and <!-- end: a --> are needed once each"):
        made.with_made_parts(page, {"a": "text"})


def test_what_is_written_by_hand_stays():
    page = "before\n<!-- made: a -->\nold\n<!-- end: a -->\nafter\n"
    assert made.with_made_parts(page, {"a": "new"}) == page.replace("old", "new")
