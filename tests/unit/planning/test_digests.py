"""Params of rules: what Snakemake's report prints of them cannot break out of its script element."""

import json

from cellfate.planning.digests import as_text


def test_a_value_with_markup_comes_back_and_has_no_markup_on_the_way():
    notes = ["ends </script><script>alert(1)</script>", "<!--", "µ < 1"]
    assert "<" not in as_text(notes)
    assert json.loads(as_text(notes)) == notes
