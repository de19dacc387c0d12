"""Say once, in one block, what the tests of make test left out: python tests/skipped.py RAN.txt REPORT.xml ...

Which tests were skipped and why, from pytest's reports, and which rules of the workflow were not run, from the list of those that were.
"""

import re
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree


def skipped(reports: list[Path]) -> Counter:
    """How many tests were skipped for each reason, from pytest's reports in the JUnit format."""
    nodes = (node for report in reports for node in ElementTree.parse(report).iter("skipped"))
    return Counter(node.get("message", "no reason given").removeprefix("Skipped: ") for node in nodes)


def in_words(found: Counter) -> str:
    """A block of lines, a reason each."""
    if not found:
        return "All tests ran, none was skipped."
    reasons = (f"  {count:3}  {reason}" for reason, count in found.most_common())
    return "\n".join([f"Not tested on this machine: {found.total()} test{'s' * (found.total() > 1)} skipped", *reasons])


def rules_not_run(ran: Path) -> list[str]:
    """The rules of the workflow that run something and are not in a list of those that ran, a name a line."""
    files = sorted((Path(__file__).parents[1] / "workflow/rules").glob("*.smk"))
    parts = [re.split(r"^ *rule (\w+):", file.read_text(), flags=re.MULTILINE) for file in files]
    rules = [name for found in parts for name, body in zip(found[1::2], found[2::2], strict=True) if "script:" in body]
    known = set(ran.read_text().split()) if ran.exists() else set()
    return [name for name in rules if name not in known]


if __name__ == "__main__":
    print(in_words(skipped([Path(name) for name in sys.argv[2:]])))
    if left := rules_not_run(Path(sys.argv[1])):
        print(f"Rules that neither these tests nor those of the run before them ran: {', '.join(left)}")
