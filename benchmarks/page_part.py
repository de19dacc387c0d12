"""The parts of the docs that benchmarks write, each between two markers."""

from pathlib import Path

from cellfate.base.files import replacing

TRANSITION_PAGE = Path(__file__).resolve().parent.parent / "docs/transition.md"


def write_part(name: str, text: str, page: Path = TRANSITION_PAGE) -> None:
    """Put ``text`` between the markers of the benchmark ``name`` in ``page``."""
    begin, end = f"<!-- results of benchmarks/{name}.py -->", f"<!-- end of {name} -->"
    head, rest = page.read_text().split(begin)
    with replacing(page) as temporary:
        temporary.write_text(f"{head}{begin}\n\n{text.strip()}\n\n{end}{rest.split(end)[1]}")
