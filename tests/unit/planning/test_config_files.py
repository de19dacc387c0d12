"""Files of settings are read strictly, and values of the command line are named as such."""

from types import SimpleNamespace

import pytest

from cellfate.base.errors import InputError
from cellfate.planning.config_files import Given, file_of, read_settings, sources_of


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"dataset: a\nseed: 1\ndataset: b\n", "line 3: dataset is set a second time, line 1 sets it too"),
        (b"risks:\n  enabled: true\n  enabled: false\n", "line 3: risks.enabled is set a second time"),
        (b"source: {doses: [{first: 1, first: 2}]}\n", "source.doses.first is set a second time"),
        (b"dataset: a\ntreatment: \xb5M\n", "line 2: not UTF-8"),
        (b"- a\n- b\n", "keys with values are needed"),
        (b"just text\n", "keys with values are needed"),
        (b"a: [1\n", "not valid YAML"),
        (b"when: 2024-99-99\n", "not valid YAML"),
    ],
)
def test_a_file_that_nobody_can_mean_is_one_line_with_its_name(content, message, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError) as raised:
        read_settings(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_is_named_and_an_empty_one_sets_nothing(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml: cannot be read"):
        read_settings(tmp_path / "none.yaml")
    (tmp_path / "empty.yaml").write_text("# nothing yet\n")
    assert read_settings(tmp_path / "empty.yaml") == {}


def test_an_anchor_that_is_used_twice_is_no_key_twice(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("a: &one {x: 1}\nb: *one\n")
    assert read_settings(path) == {"a": {"x": 1}, "b": {"x": 1}}


def test_the_last_source_that_sets_a_key_is_named(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("risks: {enabled: true, bins_hours: [0, 1]}\n")
    given = Given({"risks": {"enabled": "no"}})
    assert file_of(["risks", "enabled"], [path, given]) == "--config"
    assert file_of(["risks", "bins_hours", "1"], [path, given]) == str(path)
    assert file_of(["seed"], [path, given]) == str(path)


def workflow_of(files, given):
    return SimpleNamespace(configfiles=files, overwrite_configfiles=[], config_settings=SimpleNamespace(config=given))


def test_numbers_inside_a_section_of_the_command_line_are_numbers_and_names_stay_names(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("dataset: a\nrisks: {members: 3, bins_hours: [0, 1], embedding: null}\noutcomes: {negative: dead}\n")
    given = {"dataset": "b", "risks": {"members": "5", "bins_hours": ["0", "0.5"], "embedding": "null"}, "outcomes": {"negative": "1"}}
    config = {**given, "seed": 1}
    sources = sources_of(workflow_of([path], given), config)
    assert config["risks"] == {"members": 5, "bins_hours": [0, 0.5], "embedding": None}
    assert config["outcomes"] == {"negative": "1"}
    assert config["dataset"] == "b"
    assert sources[0] == path
    assert isinstance(sources[1], Given)


def test_a_module_that_has_settings_of_its_own_keeps_them(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("risks: {members: 3}\n")
    config = {"risks": {"members": 7}}
    sources_of(workflow_of([path], {"risks": {"members": "5"}}), config)
    assert config == {"risks": {"members": 7}}
