"""The configuration files that ship, and the errors that a mistake in one gives."""

import copy
import dataclasses
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from cellfate.base.errors import InputError
from cellfate.planning.agreement import check_sheet_agreement, check_states, sheet_agreement_problems
from cellfate.planning.config import check_config, config_problems, label_words, min_frames_of
from cellfate.simulation.cellpose_training import NetworkTraining

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
OVERLAYS = ["demo/config.yaml", "paper.yaml", "fast.yaml", "examples/cellphe/config.yaml", "examples/incucyte/config.yaml"]
ON_THE_DEMO = [["demo/config.yaml", f"{name}.yaml"] for name in ("paper", "demo/confounded", "demo/no_effects", "demo/short")]
INCUCYTE = ["examples/incucyte/config.yaml", "examples/incucyte/offline.yaml"]


def merged(*files):
    def merge(into, overlay):
        for key, value in overlay.items():
            if isinstance(value, dict) and isinstance(into.get(key), dict):
                merge(into[key], value)
            else:
                into[key] = value
        return into

    config = {}
    for file in files:
        merge(config, yaml.safe_load((ROOT / file).read_text()))
    return config


@pytest.mark.parametrize("overlays", [[], *[[overlay] for overlay in OVERLAYS], *ON_THE_DEMO, INCUCYTE])
def test_shipped_configurations_are_valid(overlays):
    files = ["config.yaml", *overlays]
    check_config(merged(*files), SCHEMA, [ROOT / file for file in files])


def departures(text):
    return set(re.findall(r"^\| `([a-z_.]+)` \|", text, flags=re.MULTILINE))


def flat(config, prefix=""):
    for key, value in config.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def test_every_documented_departure_has_a_key_that_paper_yaml_sets_back():
    documented = departures((ROOT / "docs/departures.md").read_text())
    default = dict(flat(merged("config.yaml")))
    paper = dict(flat(yaml.safe_load((ROOT / "paper.yaml").read_text())))
    changed = {key for key, value in paper.items() if default[key] != value}
    assert documented == changed


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("crops.siez", 112, r"unknown key crops\.siez; known here: size, tracks"),
        ("statistics.frames", "occlusion", r"unknown key statistics\.frames; it is statistics\.high_by now"),
        ("dataset", "..", r"dataset is '\.\.'"),
        ("dataset", "demo\n", r"dataset is 'demo\\n'"),
        ("protocol", "../elsewhere", r"protocol is '\.\./elsewhere'"),
        ("protocol", "crops", r"protocol is 'crops', results/<dataset> has such a folder already"),
        ("crops.size", 3, r"crops\.size is 3, at least 8 is needed"),
        ("crops.size", "large", r"crops\.size is 'large', integer is needed"),
        ("split.unit", "cell", r"split\.unit is 'cell', one of recording, group, lineage, track, source_code is needed"),
        ("split.fractions", [0.5, 0.2, 0.2], r"split\.fractions .* must add up to 1"),
        (
            "split",
            {"unit": "source_code", "folds": 3, "fractions": [0.8, 0.1, 0.1]},
            r"split\.unit is 'source_code', which is one split by",
        ),
        ("split.folds", 2, r"split\.folds is 2, 1 \(one split\) or at least 3"),
        ("outcomes.positive", "apoptosis", r"outcomes\.positive is 'apoptosis', the two outcomes must differ"),
        ("tracks.min_confidence", 0, "tracks.min_confidence"),
        ("tracks.doubt", "outlines", "tracks.doubt"),
        ("trajectories.min_frames", 9, r"trajectories\.min_frames is 9, at least crops\.min_frames \(10\) is needed"),
        ("evaluation.last_k", "all", r"evaluation\.last_k"),
        ("statistics.min_frames", 0, r"statistics\.min_frames"),
        ("model.encoder_heads", 3, r"model\.encoder_heads is 3, must divide .* 2048"),
        ("model.input_size", 200, r"model\.input_size is 200, at most crops\.size"),
        ("evaluation.truncation", [5, 0], r"evaluation\.truncation .* numbers must rise"),
        ("augmentation.flip", 1.5, r"augmentation\.flip is 1\.5, at most 1"),
        ("augmentation.end_mask_fraction", [0.6, 0.5], r"end_mask_fraction .* must not be larger"),
        ("augmentation.start_mask_fraction", [0.6, 0.5], r"start_mask_fraction .* must not be larger"),
        ("attention.occlusion_window", 10, r"attention\.occlusion_window"),
        ("transition.confidence_k", 1, r"transition\.confidence_k is 1, at least 2 is needed"),
        ("transition.knockouts.refits", 1, r"transition\.knockouts\.refits is 1"),
        ("statistics.splits", ["train"], r"statistics\.splits is \['train'\], must be among attention\.splits"),
        ("crops.tracks", "fated", r"crops\.tracks is 'fated', but risks are learned .* all is needed, or risks\.enabled: false"),
        ("risks.bins_hours", [1, 2], r"risks\.bins_hours is \[1, 2\], numbers must rise from 0"),
        ("risks.bins_hours", [0, 5, 2, 40], r"risks\.bins_hours .* numbers must rise from 0"),
        ("risks.horizons_hours", [5, 2], r"risks\.horizons_hours .* numbers must rise"),
        ("risks.horizons_hours", [2, 41], r"risks\.horizons_hours .* to the last of risks\.bins_hours \(40\) at most"),
        ("risks.inputs.features", True, r"risks\.inputs\.features is True, only held-out cells are segmented"),
        ("outcomes.negative", "neither", r"outcomes\.negative is 'neither', labels mean something else by this word"),
        (
            "explorer.label.outcomes",
            ["mitosis"],
            r"explorer\.label\.outcomes is \['mitosis'\], other words than apoptosis, ",
        ),
        ("explorer.label.order", "best", r"explorer\.label\.order is 'best', one of random, recording, unsure is needed"),
        ("states.n_states", 1, r"states\.n_states is 1, at least 2 is needed"),
        ("states.steps", [1, 2], r"states\.steps\.0 is 1, at least 2 is needed"),
        ("states.smoothing", 0, r"states\.smoothing is 0, more than 0 is needed"),
    ],
)
def test_a_mistake_gives_one_error_that_names_file_key_and_value(path, value, message, tmp_path):
    config = merged("config.yaml")
    overlay = tmp_path / "mine.yaml"
    node, written = config, value
    *parents, last = path.split(".")
    for part in parents:
        node = node[part]
    node[last] = value
    for part in reversed(path.split(".")):
        written = {part: written}
    overlay.write_text(yaml.safe_dump(written))
    with pytest.raises(InputError, match=message) as error:
        check_config(config, SCHEMA, [ROOT / "config.yaml", overlay])
    assert str(error.value).startswith(str(overlay))


def test_the_end_without_an_event_has_no_key_of_its_own_on_the_label_page():
    config = merged("config.yaml")
    config["explorer"]["label"]["outcomes"] = ["slippage"]
    assert label_words(config) == ["apoptosis", "mitosis", "slippage"]
    config["outcomes"]["negative"] = "no_event_by_end"
    assert label_words(config) == ["mitosis", "slippage"]
    check_config(config, SCHEMA, [ROOT / "config.yaml"])


@pytest.mark.parametrize(("doubt", "kind"), [(None, "local"), ("images", "crops")])
def test_a_least_confidence_needs_something_that_says_it(doubt, kind):
    config = merged("config.yaml")
    config["tracks"] |= {"doubt": doubt, "min_confidence": 0.9}
    config["source"]["kind"] = kind
    with pytest.raises(InputError, match=rf"tracks\.min_confidence is 0\.9, .*\(tracks\.doubt: {doubt}, source\.kind: {kind}\)"):
        check_config(config, SCHEMA, [ROOT / "config.yaml"])


def test_cells_that_are_not_segmented_cannot_enter_the_statistics():
    config = merged("config.yaml")
    config["attention"]["splits"] = config["statistics"]["splits"] = ["train", "test"]
    with pytest.raises(InputError, match=r"statistics\.splits is \['train', 'test'\], only held-out cells are segmented"):
        check_config(config, SCHEMA, [ROOT / "config.yaml"])
    config["segmentation"]["tracks"] = "all"
    check_config(config, SCHEMA, [ROOT / "config.yaml"])


def test_tracks_without_crops_cannot_be_embedded(tmp_path):
    config = merged("config.yaml")
    config["crops"]["tracks"], config["risks"]["enabled"], config["embedding"]["tracks"] = "fated", False, "all"
    with pytest.raises(InputError, match=r"embedding\.tracks is 'all', crops\.tracks is fated: other tracks have no crops"):
        check_config(config, SCHEMA, [ROOT / "config.yaml"])


def test_the_schema_lists_the_settings_of_the_small_network():
    properties = yaml.safe_load(SCHEMA.read_text())["properties"]["segmentation"]["properties"]["training"]["properties"]
    assert set(properties) == {field.name for field in dataclasses.fields(NetworkTraining)}


SHEET = pd.DataFrame(
    {
        "recording": ["r1", "r2", "r3"],
        "tracks": "tracks.csv",
        "treatment": ["none", "drug", "drug"],
        "channels": "red,p53",
        "group": ["a", None, "b"],
    }
)


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        ({"segmentation": {"channel": "green"}}, r"segmentation\.channel is 'green', but the channels in .* are red, p53"),
        ({"evaluation": {"treatment": "cisplatin"}}, r"evaluation\.treatment is 'cisplatin', but the treatments in .* are drug, none"),
        ({"scaling": "reference"}, r"scaling is 'reference', the published constants are for 3 channels, .* has 2"),
        (
            {"segmentation": {"ladder": "published"}},
            r"segmentation\.ladder is 'published', the published constants are for 3 channels, .* has 2",
        ),
        ({"features": {"intensity": "published"}}, r"features\.intensity is 'published', the published constants are for 3 channels"),
        ({"split": {"folds": 5}}, r"split\.unit is 'recording'.*, but .* has 3 recordings and 5 are needed; alternatives: group"),
        ({"split": {"unit": "group"}}, r"split\.unit is 'group', but group is empty in .*: line 3"),
        ({"training": {"checkpoint": "nowhere.safetensors"}}, r"training\.checkpoint is 'nowhere.safetensors', no such file"),
        ({"training": {"checkpoint": __file__}}, r"training\.checkpoint .* was trained with scaling: reference"),
        (
            {"segmentation": {"channel": "red"}, "simulation": {"recording_fates": {"deadly": ["nobody"]}}},
            r"simulation\.recording_fates\.deadly is \['nobody'\], but .* has no recording nobody",
        ),
        ({"segmentation": {"channel": "red", "model": "my/weights"}}, r"segmentation\.model is 'my/weights', no such file"),
        (
            {"segmentation": {"channel": "red"}, "risks": {"embedding": "gone.parquet"}},
            r"risks\.embedding is 'gone\.parquet', no such file",
        ),
        ({"segmentation": {"channel": "red"}, "risks": {"embedding": "tests"}}, r"risks\.embedding is 'tests', a folder, a file is needed"),
        ({"segmentation": {"channel": "red"}, "figures": {"reference": "gone"}}, r"figures\.reference is 'gone', no such folder"),
        ({"segmentation": {"channel": "red"}, "figures": {"reference": "config.yaml"}}, r"is 'config\.yaml', a file, a folder is needed"),
        (
            {"segmentation": {"channel": "red"}, "dataset": "published", "figures": {"reference": "tests"}},
            r"figures\.reference is 'tests', tests/truncation_cisplatin\.csv: no such file",
        ),
    ],
)
def test_what_the_configuration_names_must_be_in_the_sheet(overlay, message, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(yaml.safe_dump({"evaluation": {"treatment": "drug"}} | overlay))
    config = merged("config.yaml", mine)
    with pytest.raises(InputError, match=message):
        check_sheet_agreement(config, SHEET, [ROOT / "config.yaml", mine])


@pytest.mark.parametrize(
    ("states", "columns", "message"),
    [
        ({"features": ["aera"]}, {}, r"states\.features is 'aera', one of area, .*intensity_mean-p53, intensity_mean is needed"),
        ({"features": ["intensity_mean-green"]}, {}, r"states\.features is 'intensity_mean-green', one of .*intensity_mean-red"),
        ({"group_by": "group"}, {}, r"states\.group_by is 'group', but group is empty in .*: line 3"),
        (
            {},
            {"frame_interval_min": [30.0, 30.0, 15.0]},
            r"states\.lag is 2 .the default; set it in .*, in frames, but the frame intervals in .* differ \(15, 30 min\)",
        ),
        ({"bootstrap": 59}, {}, r"states\.bootstrap is 59, at least 60 are needed to judge 3 steps"),
    ],
)
def test_states_must_fit_the_sheet(states, columns, message, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(yaml.safe_dump({"states": states}))
    sheet = SHEET.assign(**({"frame_interval_min": 30.0} | columns))
    check_states(merged("config.yaml"), sheet.assign(frame_interval_min=30.0), [ROOT / "config.yaml"])
    with pytest.raises(InputError, match=message):
        check_states(merged("config.yaml", mine), sheet, [ROOT / "config.yaml", mine])


def test_recordings_without_tracks_are_segmented_in_a_channel_that_exists():
    sheet = SHEET.assign(tracks=["a.csv", None, "c.csv"])
    config = merged("config.yaml") | {"tracking": {"channel": "nuclei"}}
    with pytest.raises(InputError, match=r"tracking.channel is 'nuclei', but the channels .*, and line 3 has no tracks"):
        check_sheet_agreement(config, sheet, [ROOT / "config.yaml"])


def test_a_configuration_that_agrees_with_the_sheet_passes(tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(yaml.safe_dump({"evaluation": {"treatment": "drug"}}))
    check_sheet_agreement(merged("config.yaml", mine), SHEET, [mine])


def test_a_missing_key_is_named():
    config = copy.deepcopy(merged("config.yaml"))
    del config["split"]["unit"]
    with pytest.raises(InputError, match=r"key split\.unit is missing"):
        check_config(config, SCHEMA, [ROOT / "config.yaml"])


def test_every_problem_of_a_configuration_is_listed_and_checking_raises_the_first(tmp_path):
    mine = tmp_path / "mine.yaml"
    wrong = {
        "crops": {"siez": 3, "seize": 4},
        "split": {"unit": "cell", "fractions": [0.5, 0.1, 0.1]},
        "segmentation": None,
        "evaluation": {"truncation": [5, 0]},
        "model": {"encoder_heads": 3, "width": "wide"},
    }
    mine.write_text(yaml.safe_dump(wrong))
    config = merged("config.yaml", mine)
    found = list(config_problems(config, SCHEMA, [ROOT / "config.yaml", mine]))
    assert sorted(problem.removeprefix(f"{mine}: ").split(" is ")[0].split(";")[0] for problem in found) == [
        "evaluation.truncation",
        "model.width",
        "segmentation",
        "split.fractions",
        "split.unit",
        "unknown key crops.seize",
        "unknown key crops.siez",
    ]
    with pytest.raises(InputError, match=re.escape(found[0])):
        check_config(config, SCHEMA, [ROOT / "config.yaml", mine])


def test_every_disagreement_with_the_sheet_is_listed_but_those_that_rest_on_broken_keys():
    config = merged("config.yaml")
    config["scaling"], config["training"]["checkpoint"] = "reference", "nowhere.safetensors"
    found = list(sheet_agreement_problems(config, SHEET, [ROOT / "config.yaml"]))
    assert len(found) == 3
    assert [text.split(": ")[1].split(" is ")[0] for text in found] == ["evaluation.treatment", "scaling", "training.checkpoint"]
    assert list(sheet_agreement_problems(config, SHEET, [], broken={"evaluation", "scaling"})) == []


@pytest.mark.parametrize(("own", "found"), [(None, 10), (10, 10), (25, 25)])
def test_a_protocol_may_ask_for_longer_tracks_than_the_crops(own, found):
    config = merged("config.yaml")
    config["trajectories"]["min_frames"] = own
    check_config(config, SCHEMA, [ROOT / "config.yaml"])
    assert min_frames_of(config) == found


@pytest.mark.parametrize("key", ["evaluation.truncation", "evaluation.last_k", "attention.occlusion_window", "statistics.min_frames"])
@pytest.mark.parametrize("value", ["auto", None])
def test_settings_that_follow_lengths_can_be_auto_or_off(key, value):
    config = merged("config.yaml")
    section, name = key.split(".")
    config[section][name] = value
    check_config(config, SCHEMA, [ROOT / "config.yaml"])


@pytest.mark.parametrize(("section", "key", "name"), [("transition", "compare", "names"), ("tracks", "outcomes_from", "words")])
def test_names_that_yaml_takes_for_numbers_are_refused_with_what_to_do(section, key, name, tmp_path):
    """Clusters are called 1, 2, ...: beside other names their numbers could not even be sorted."""
    config, overlay = merged("config.yaml"), tmp_path / "mine.yaml"
    config[section][key][name] = {1: "apoptosis", "x": "mitosis"}
    overlay.write_text(yaml.safe_dump({section: {key: {name: config[section][key][name]}}}))
    with pytest.raises(InputError, match=rf"{section}\.{key}\.{name}\.1 is 'apoptosis', and its name is no text: it is needed in quotes"):
        check_config(config, SCHEMA, [ROOT / "config.yaml", overlay])
    config[section][key][name] = {"1": "apoptosis", "x": "mitosis"}
    check_config(config, SCHEMA, [ROOT / "config.yaml", overlay])
