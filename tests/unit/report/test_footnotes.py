"""Reasons for missing intervals: numbered beside the values, listed once below, and never read as HTML."""

from cellfate.report.footnotes import Footnotes


def test_each_reason_has_one_number_and_stands_below_once():
    marks = Footnotes()
    assert marks("0.1 to 0.9") == "<small>0.1 to 0.9</small>"
    assert marks("") == ""
    assert marks.below() == ""
    assert marks("no interval: 3 recordings") == "<small>no interval<sup>1</sup></small>"
    assert marks("no interval: one < two") == "<small>no interval<sup>2</sup></small>"
    assert marks("no interval: 3 recordings") == "<small>no interval<sup>1</sup></small>"
    assert marks.below() == '<p class="under">No interval: <sup>1</sup> 3 recordings; <sup>2</sup> one &lt; two.</p>'
