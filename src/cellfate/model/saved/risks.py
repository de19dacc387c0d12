"""The networks of risks of an exported model: which recordings they saw, and what they need of a new one. Imports nothing heavy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cellfate.base.errors import InputError
from cellfate.base.files import load_json
from cellfate.model.saved.exported import read_settings
from cellfate.model.saved.members import RISKS, SETTINGS, Member, recordings_of

FROM_EMBEDDING = "embedding "  # before the names of columns that a user's table gave
RETRAIN = "a folder of an earlier version has none: export it again from a run with risks.enabled: true"


@dataclass(frozen=True)
class SavedRisks:
    """The risks of an exported model, a member for each fold.

    ``rings`` are the settings of what is measured around cells, of tracks with more than ``longer_than`` frames; ``inputs`` those of
    :class:`cellfate.model.risks.inputs.InputSettings`; ``embedding`` the columns of a user's table; ``outlines`` how cells were segmented
    and measured, empty where nothing rests on it; ``treatment_starts_h`` the hours at
    which the drug came in recordings of the training, empty where none had one.
    """

    folder: Path
    members: Sequence[Member]
    rings: Mapping[str, float]
    longer_than: int
    inputs: Mapping[str, bool | int | None]
    embedding: Sequence[str]
    outlines: Mapping[str, object]
    horizons_hours: Sequence[float]
    treatment_starts_h: Sequence[float]

    def check_available(self, *, features: bool, embedding: bool) -> None:
        """Raise an InputError where the networks rest on features of outlines, or on a user's table, that are not there."""
        here = f"prediction.model: {self.folder}: its networks of risks rest on"
        if self.inputs["features"] and not features:
            raise InputError(
                f"{here} features of the outline (risks.inputs.features), which these recordings lack: segmentation.tracks: all measures "
                "them in snakemake predict; cellfate predict cannot"
            )
        if self.embedding and not embedding:
            raise InputError(
                f"{here} {len(self.embedding)} numbers of each frame from a table ({_listed(self.embedding)}), which these recordings "
                "lack: risks.embedding (cellfate predict: --embedding) names it"
            )

    def check_outlines(self, given: Mapping[str, object]) -> None:
        """Raise an InputError where the networks rest on outlines, and the settings ``given`` make other ones than in training."""
        others = [f"{key} is {given.get(key)}, in training {value}" for key, value in self.outlines.items() if given.get(key) != value]
        if others:
            raise InputError(
                f"prediction.model: {self.folder}: its networks of risks rest on features of outlines that were made by other settings: "
                f"{'; '.join(others)}"
            )

    def check_columns(self, columns: Sequence[str]) -> None:
        """Raise an InputError where a user's table has other columns of numbers than in training."""
        if sorted(columns) != sorted(self.embedding):
            wanted = _listed(self.embedding) or "none: they were trained without such a table"
            raise InputError(f"risks.embedding: its columns are {_listed(columns)}, those of the networks of risks are {wanted}")

    def start_warning(self, treatment_start_h: float | None, recording: str) -> str | None:
        """A warning where hours are counted from the drug in training, and from the film's beginning here; else None."""
        if not self.inputs["hours_of_film"] or not self.treatment_starts_h or treatment_start_h is not None:
            return None
        return (
            f"recording {recording}: no treatment_start_h in the sheet, so the risks count hours from the beginning of the film; in "
            "training they were counted from the drug"
        )


def read_risks(folder: str | Path) -> SavedRisks | None:
    """What an exported model says of its risks; None where it has none. Raises InputError when a file of the folder is missing."""
    folder = Path(folder)
    settings = read_settings(folder).get(RISKS)
    if settings is None:
        return None
    members = [Member(name, folder / RISKS / name, recordings_of(parts)) for name, parts in settings["members"].items()]
    missing = [str(path.relative_to(folder)) for member in members for path in _files_of(member.folder) if not path.is_file()]
    if missing:
        raise InputError(f"prediction.model: {folder}: {', '.join(missing)} not found in it")
    keys = ("rings", "longer_than", "inputs", "embedding", "outlines", "horizons_hours", "treatment_starts_h")
    if absent := [key for key in keys if key not in settings]:
        raise InputError(
            f"prediction.model: {folder / SETTINGS}: risks lack {', '.join(absent)}, which this version reads; export it again"
        )
    return SavedRisks(folder, members, **{key: settings[key] for key in keys})


def _files_of(folder: Path) -> list[Path]:
    settings = folder / SETTINGS
    n_members = load_json(settings)["members"] if settings.is_file() else 0
    return [settings, *(folder / weights_name(number) for number in range(n_members))]


def weights_name(member: int) -> str:
    """The file of the weights of one network of a fold."""
    return f"member-{member}.safetensors"


def said_without_risks(folder: str | Path) -> str:
    """What is said of a model that has no risks."""
    given = "the probability given an event is all that it says (fates.parquet: positive_given_event)"
    return f"{folder}: no networks of risks in this model: {given}; {RETRAIN}"


def _listed(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(list(names)[:most]) + more
