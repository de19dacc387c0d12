"""Say once, in one block, what the tests of make test skipped and why: python tests/skipped.py REPORT.xml ..."""

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


if __name__ == "__main__":
    print(in_words(skipped([Path(name) for name in sys.argv[1:]])))
