"""The networks of an exported model, one for each fold, and which of them may judge a recording. Imports nothing heavy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cellfate.base.errors import InputError
from cellfate.base.files import load_json

WEIGHTS, SETTINGS, CALIBRATION = "weights.safetensors", "settings.json", "calibration.json"
MEMBERS = "members"
RISKS = "risks"  # the folder of the networks of risks in an exported model, and their section of its settings.json
SEEN, UNSEEN, UNKNOWN = "yes", "no", "not known"  # whether a recording was in the training or validation part of what predicts it


@dataclass(frozen=True)
class Member:
    """One network: its folder, and the recordings of its training and validation parts as {name: digest}; None: not known.

    A digest is that of :func:`cellfate.crops.digests.recording_digest`, None where the crop file had none.
    """

    name: str
    folder: Path
    recordings: Mapping[str, str | None] | None

    def saw(self, digest: str, recording: str) -> bool:
        """Whether a recording was in the training or validation part; by its name alone only where its digest is not known."""
        known = self.recordings or {}
        return digest in known.values() or known.get(recording, "") is None


@dataclass(frozen=True)
class Choice:
    """The members that predict a recording, whether they ``seen`` it (SEEN, UNSEEN or UNKNOWN), and all that in words."""

    members: Sequence[Member]
    seen: str
    line: str


def has_network(folder: str | Path) -> bool:
    """Whether an exported model holds the published network: one whose folder ``members`` was deleted has networks of risks alone."""
    settings = Path(folder) / SETTINGS
    content = load_json(settings) if settings.is_file() else {}
    return not (MEMBERS in content and RISKS in content and not (Path(folder) / MEMBERS).is_dir())


def read_members(folder: str | Path) -> list[Member]:
    """The members of an exported model. A folder of cellfate 0.1 has one, whose recordings are not known.

    Raises InputError when a file is missing.
    """
    folder = Path(folder)
    settings = folder / SETTINGS
    content = load_json(settings) if settings.is_file() else {}
    if not has_network(folder):
        return []
    if MEMBERS in content:
        found = [Member(name, folder / MEMBERS / name, recordings_of(parts)) for name, parts in content[MEMBERS].items()]
    else:
        found = [Member("model", folder, None)]
    missing = [] if settings.is_file() else [SETTINGS]
    files = [member.folder / name for member in found for name in (WEIGHTS, SETTINGS, CALIBRATION)]
    missing += [str(path.relative_to(folder)) for path in files if not path.is_file() and str(path.relative_to(folder)) not in missing]
    if missing:
        what = "no such folder" if not folder.is_dir() else f"{', '.join(missing)} not found in it"
        raise InputError(f"prediction.model: {folder}: {what}; the folder results/<dataset>/<protocol>/model of a finished run is needed")
    return found


def recordings_of(parts: Mapping[str, Mapping[str, str | None]]) -> dict[str, str | None]:
    """{recording: digest} of the training and validation parts, as settings.json has them."""
    return {name: digest for part in ("train", "validation") for name, digest in parts[part].items()}


def choose_members(members: Sequence[Member], digest: str, recording: str, what: str = "") -> Choice:
    """The members that did not see the recording; all where each of them did, or where nothing is known.

    ``what`` they predict stands before the recording's name in the line that is said.
    """
    here = f"{what}{recording}"
    if any(member.recordings is None for member in members):
        line = "the model folder is of cellfate 0.1 and does not say what it was trained on: whether it saw this recording is not known"
        return Choice(members, UNKNOWN, f"{here}: {line}")
    unseen = [member for member in members if not member.saw(digest, recording)]
    of_all = f"{len(unseen)} of {len(members)} members"
    if not unseen:
        line = f"WARNING: {here}: every member of the model saw this recording in training or validation. All of them predict it, and"
        return Choice(members, SEEN, f"{line} the probabilities are more right than they are for other recordings (seen_in_training: yes)")
    if len(unseen) == len(members):
        return Choice(members, UNSEEN, f"{here}: predicted by {of_all}, none of which saw it in training or validation")
    names = ", ".join(member.name for member in unseen)
    return Choice(unseen, UNSEEN, f"{here}: in the data of the model; predicted by {of_all} that did not see it: {names}")


def members_named(folder: str | Path, names: Sequence[str], source: str | Path) -> list[Member]:
    """The members of a model with the given names; an InputError where ``source`` names one that the model lacks."""
    found = {member.name: member for member in read_members(folder)}
    if unknown := [name for name in names if name not in found]:
        raise InputError(f"{source}: made by {', '.join(unknown)}, but {folder} has {', '.join(found)}: embed the recording again")
    return [found[name] for name in names]
