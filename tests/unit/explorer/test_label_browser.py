"""The label page in a real browser: keys, the frame of the event, taking back, and that no label is lost."""

import time

import pandas as pd
import pytest
from toy_browser import NO_BROWSER, Opened
from toy_labels import Toy, toy_label_page, toy_tables

from cellfate.tracks.labels.digest import track_digests
from cellfate.tracks.labels.rows import label_rows, read_labels

EVIL = "<script>document.body.dataset.bad=1</script>"
WORDS = ("apoptosis", "mitosis", "slippage")
LABELLING = (*map(str, range(10)), "x", "Delete")
LOOK = 300  # milliseconds that a cell is looked at, at least

pytestmark = NO_BROWSER


@pytest.fixture(scope="module")
def toy_file(tmp_path_factory):
    return toy_label_page(tmp_path_factory.mktemp("label"), Toy(), more=("slippage",))


class Labelling(Opened):
    """A label page on which somebody has begun."""

    def __init__(self, browser, path, name: str | None = "anna", **options):
        super().__init__(browser, path, **options)
        if name:
            self.begin(name)

    def begin(self, name):
        self.page.fill("#name", name)
        self.page.keyboard.press("Enter")
        self.until("#who-said", f"The labels of {name}")
        self.settle()

    def until(self, place, words):
        for _ in range(100):
            if words in self.page.inner_text(place):
                return
            self.page.wait_for_timeout(50)
        assert words in self.page.inner_text(place)

    def settle(self):
        self.page.wait_for_selector("#cell-views[aria-busy=false]")

    def look(self):
        self.settle()
        self.page.wait_for_timeout(LOOK)

    def press(self, *keys):
        for key in keys:
            if key in LABELLING:
                self.look()
            self.page.keyboard.press(key)
            self.settle()

    def count(self):
        return self.page.inner_text("#count")

    def label(self, cell):
        return [self.page.inner_text(f"tr[data-cell='{cell}'] td:nth-child({place})") for place in (2, 3)]

    def said(self):
        return self.page.inner_text("#said")

    def downloaded(self, folder, act=lambda page: page.keyboard.press("s")):
        with self.page.expect_download() as started:
            act(self.page)
        started.value.save_as(folder / started.value.suggested_filename)
        return folder / started.value.suggested_filename


@pytest.fixture
def opened(browser, toy_file):
    page = Labelling(browser, toy_file)
    yield page
    page.close()


def test_a_key_labels_the_cell_with_the_frame_that_is_shown_and_goes_on(opened):
    first = opened.cell()
    assert opened.frame() == 21
    opened.press("ArrowLeft", "ArrowLeft", "2")
    assert opened.label(first) == ["mitosis", "19"]
    second = opened.cell()
    assert second != first
    assert opened.count() == "1 of 6 cells labelled"
    assert opened.page.inner_text("#per-recording").split("\n")[1::2] == (
        ["1 of 3", "0 of 3"] if first[:2] == "r1" else ["0 of 3", "1 of 3"]
    )
    opened.press("0")
    assert opened.label(second) == ["neither", ""]
    third = opened.cell()
    opened.press("x")
    assert opened.label(third) == ["cannot tell", ""]
    fourth = opened.cell()
    opened.press("ArrowRight", "3")  # beyond the track's last frame
    assert opened.label(fourth) == ["slippage", "22"]
    assert opened.said().startswith(f"{fourth}: slippage, event in frame 22. z takes it back.")
    opened.press("9", "q")  # no outcome has this key
    assert opened.count() == "4 of 6 cells labelled"


def test_what_was_done_is_taken_back_step_by_step(opened):
    first = opened.cell()
    opened.press("1")
    second = opened.cell()
    opened.press("2", "z")
    assert (opened.cell(), opened.label(second), opened.label(first)) == (second, ["", ""], ["apoptosis", "21"])
    opened.press("z")
    assert (opened.cell(), opened.count()) == (first, "0 of 6 cells labelled")
    opened.press("z")
    assert opened.said() == "There is nothing to take back."
    opened.press("1", "Control+z")
    assert (opened.cell(), opened.count()) == (first, "0 of 6 cells labelled")
    opened.press("1", "ArrowUp", "2")  # another label in place of the first
    assert opened.label(first)[0] == "mitosis"
    opened.press("z")
    assert opened.label(first)[0] == "apoptosis"
    opened.press("Delete")
    assert opened.label(first) == ["", ""]
    opened.press("z")
    assert opened.label(first)[0] == "apoptosis"


def test_a_key_held_down_or_struck_twice_labels_one_cell(opened):
    opened.look()
    opened.page.keyboard.down("1")
    for _ in range(5):
        opened.page.wait_for_timeout(120)
        opened.page.keyboard.down("1")  # as the keyboard repeats it
    opened.page.keyboard.up("1")
    assert opened.count() == "1 of 6 cells labelled"
    opened.look()
    opened.page.keyboard.press("2")
    opened.page.keyboard.press("2")
    opened.look()
    assert opened.count() == "2 of 6 cells labelled"


def test_a_button_that_was_clicked_is_not_pressed_again_by_the_next_space(opened):
    opened.look()
    opened.page.click("#choices button:first-child")
    opened.press("Home", "Space")
    assert opened.count() == "1 of 6 cells labelled"
    opened.page.wait_for_selector("button[aria-label=Stop]")


def test_keyboards_that_have_digits_with_shift_only(opened):
    opened.look()
    strike = "(init) => document.dispatchEvent(new KeyboardEvent('keydown', { bubbles: true, ...init }))"
    opened.page.evaluate(strike, {"key": "é", "code": "Digit2"})  # a French one
    opened.look()
    assert opened.count() == "1 of 6 cells labelled"
    opened.page.evaluate(strike, {"key": "!", "code": "Digit1", "shiftKey": True})
    opened.page.evaluate(strike, {"key": "End", "code": "Numpad1"})
    opened.look()
    assert opened.count() == "1 of 6 cells labelled"


def test_a_name_comes_first(browser, toy_file):
    page = Labelling(browser, toy_file, name=None)
    assert page.page.evaluate("document.activeElement.id") == "name"
    page.page.evaluate("document.activeElement.blur()")
    page.press("1")
    assert page.count() == "0 of 6 cells labelled"
    assert page.page.evaluate("document.activeElement.id") == "name"
    page.page.fill("#name", "<b>")
    page.page.keyboard.press("Enter")
    assert "without < and >" in page.page.inner_text("#who-said")
    page.close()


def test_notes_are_typed_without_labelling(opened):
    first = opened.cell()
    opened.press("n", "1", "x", "z", "Enter")
    assert opened.label(first) == ["note only", ""]
    assert opened.count() == "0 of 6 cells labelled"
    opened.press("2", "ArrowUp")
    assert opened.page.input_value(".note input") == "1xz"
    opened.press("z")
    assert opened.label(first)[0] == "note only"


def test_a_reload_loses_nothing_and_goes_on(browser, toy_file):
    context = browser.new_context()
    page = Labelling(context, toy_file)
    first = page.cell()
    page.press("1", "n", "k", "Enter", "2")
    third = page.cell()
    page.page.reload()
    page.page.wait_for_selector("body[data-ready]")
    assert page.page.input_value("#name") == "anna"
    page.begin("anna")
    assert (page.count(), page.cell()) == ("2 of 6 cells labelled", third)
    assert "2 changes" not in page.page.inner_text("#unsaved")  # three: a note, two labels
    page.press("z", "z", "z")
    assert (page.count(), page.cell()) == ("0 of 6 cells labelled", first)
    page.begin("ben")
    assert page.count() == "0 of 6 cells labelled"
    page.page.close()
    assert page.complaints == []
    context.close()


def test_two_windows_do_not_write_over_each_other(browser, toy_file):
    context = browser.new_context()
    one, other = Labelling(context, toy_file), Labelling(context, toy_file)
    one.press("1")
    other.until("#count", "1 of")
    other.press("g", "2")
    one.until("#count", "2 of")
    one.close()
    other.close()
    context.close()


def test_where_nothing_is_kept_the_page_says_so(browser, toy_file):
    context = browser.new_context()
    context.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('none'); } })")
    page = Labelling(context, toy_file)
    assert "are lost when the page is closed" in page.page.inner_text("#lost")
    page.press("1")
    assert page.count() == "1 of 6 cells labelled"
    page.close()
    context.close()


def test_the_file_is_read_back_by_the_workflow_and_by_the_page(browser, toy_file, tmp_path):
    page = Labelling(browser, toy_file, "Änna B.")
    before = time.time()
    page.press("2")
    page.press("n", *'a,"b', "Enter", "0", "x")
    path = page.downloaded(tmp_path)
    assert path.name == "labels-Änna-B-.csv"
    assert page.page.inner_text("#unsaved") == ""
    table = read_labels(path, WORDS)
    assert list(table["by"].unique()) == ["Änna B."]
    assert (pd.to_datetime(table["at"]) >= pd.Timestamp(before - 1, unit="s", tz="UTC")).all()
    assert set(table["outcome"]) == {"mitosis", "neither", "cannot_tell"}
    assert table.set_index("outcome").loc["neither", "note"] == 'a,"b'
    tracks, _ = toy_tables(Toy())
    for name, rows in table.groupby("recording"):
        assert rows["data"].tolist() == rows["track_id"].map(track_digests(tracks[tracks["recording"] == name])).tolist()
    assert sum(map(len, label_rows([path], {"r1": True, "r2": True}, WORDS).values())) == 3
    page.close()
    context = browser.new_context()
    other = Labelling(context, toy_file, "Änna B.")
    other.press("1")  # the first cell has another label here, later than the file's
    other.page.set_input_files("#file", path)
    other.until("#count", "3 of")
    assert other.said() == "2 labels taken from the file, 1 were here already."
    other.close()
    context.close()


REFUSED = [
    (lambda text: text.replace("anna", "ben"), "line 2: by is ben, you are anna"),
    (
        lambda text: text.replace("mitosis", "mytosis"),
        "outcome is mytosis, one of apoptosis, mitosis, slippage, neither, cannot_tell is needed",
    ),
    (lambda text: text.replace(",21,", ",,"), "event_frame is empty, a frame is needed"),
    (lambda text: text.replace(",,t", ",,u"), "another one was labelled"),
    (lambda text: text.replace(",r1,", ",q1,").replace(",r2,", ",q2,"), "none of its cells is on this page"),
    (lambda text: text.replace("by,at", "who,at"), "this is no file of labels"),
    (lambda text: "", "this is no file of labels"),
]


def test_a_file_that_does_not_fit_is_refused_as_a_whole(opened, tmp_path):
    opened.press("2")
    path = opened.downloaded(tmp_path)
    opened.press("z")
    text = path.read_text()
    for change, words in REFUSED:
        path.write_text(change(text))
        opened.page.set_input_files("#file", path)
        opened.until("#said", words)
        assert "was not taken" in opened.said()
        assert opened.count() == "0 of 6 cells labelled"


def test_labels_that_the_run_was_given_are_those_of_their_person_alone(browser, tmp_path):
    toy = Toy(recordings=("r1",))
    tracks, _ = toy_tables(toy)
    row = {"file": "x.csv", "by": "anna", "at": "2026-01-01T00:00:00Z", "recording": "r1", "track_id": 1, "outcome": "apoptosis"}
    row |= {"event_frame": 20, "note": None, "data": track_digests(tracks)[1]}
    path = toy_label_page(tmp_path, toy, labels=[row])
    page = Labelling(browser, path, "ben")
    assert page.count() == "0 of 4 cells labelled"  # the three censored ones, and that of the label
    page.begin("anna")
    assert page.label("r1/1") == ["apoptosis", "20"]
    page.close()


def test_labels_of_other_tracks_with_the_same_names_are_not_shown(browser, tmp_path):
    context = browser.new_context()
    toy = Toy()
    page = Labelling(context, toy_label_page(tmp_path, toy))
    page.press("1", "1")
    page.page.close()
    other = Labelling(context, toy_label_page(tmp_path, Toy(frames=tuple(range(3, 20)))))
    assert other.count() == "0 of 6 cells labelled"
    other.close()
    again = Labelling(context, toy_label_page(tmp_path, toy, order="random"))
    assert again.count() == "2 of 6 cells labelled"
    again.close()
    context.close()


def test_the_last_cell_says_that_all_is_done(browser, tmp_path):
    page = Labelling(browser, toy_label_page(tmp_path, Toy(recordings=("r1",), tracks=3)))
    page.press("1", "1")
    assert "All cells are labelled: download them (s)." in page.said()
    page.press("1")  # the same cell again
    assert page.count() == "2 of 2 cells labelled"
    page.close()


def test_names_with_signs_of_html_are_shown_as_they_are(browser, tmp_path):
    toy = Toy(recordings=(EVIL,), outcomes=(EVIL, EVIL + "2"))
    path = toy_label_page(tmp_path, toy, dataset=EVIL)
    page = Labelling(browser, path)
    assert page.page.evaluate("document.body.dataset.bad") is None
    for place in ("#title", "#per-recording", "#rows tr:first-child", ".cell h2", "#choices button"):
        assert EVIL in page.page.locator(place).first.inner_text()
    page.press("1")
    assert EVIL in page.said()
    page.close()


def test_nothing_that_sways_is_on_the_page(browser, toy_file):
    page = Labelling(browser, toy_file)
    cells = page.page.evaluate("unpacked(byId('table').textContent).then((data) => data.cells)")
    for name in ("treatment", "outcome", "event_frame", "call", "probability"):
        assert set(cells[name]) <= {None, "not shown"}, name
    page.close()


@pytest.mark.parametrize("size", [(1600, 1000), (1024, 768), (390, 844)])
def test_nothing_is_wider_than_the_screen_and_the_cell_stays_in_sight(browser, toy_file, size):
    page = Labelling(browser, toy_file, viewport={"width": size[0], "height": size[1]})
    page.press("1", "ArrowDown", "ArrowDown")
    assert page.page.evaluate("scrollY") == 0
    rows = page.page.locator("#per-recording span").evaluate_all("spans => spans.map((span) => span.getBoundingClientRect().height)")
    assert min(rows) > 10
    assert page.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page.close()
