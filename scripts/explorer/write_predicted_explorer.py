"""Write the page of the cells of new recordings of which a model says something."""

import json
from functools import partial

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table
from cellfate.explorer.predicted import PredictedRecording, write_predicted_explorer
from cellfate.explorer.write import PageSettings
from cellfate.frames.formats import open_frames
from cellfate.prediction.tables import FATE_PREDICTIONS, NEW_FATES
from cellfate.tracks.tables import OUTCOMES, TRACKS

log_to(snakemake.log[0])

names = list(snakemake.params.recordings)
tables = {
    key: dict(zip(names, (read_table(path, table) for path in snakemake.input.get(key) or ()), strict=False))
    for key, table in {"tracks": TRACKS, "outcomes": OUTCOMES, "predictions": FATE_PREDICTIONS, "fates": NEW_FATES}.items()
}
recordings = [
    PredictedRecording(
        name,
        partial(open_frames, **known.pop("frames")),
        **{key: own.get(name) for key, own in tables.items()},
        **known,
    )
    for name, known in snakemake.params.recordings.items()
]
write_predicted_explorer(
    snakemake.output.page,
    f"Predicted cells of {snakemake.wildcards.dataset}",
    recordings,
    snakemake.input.model,
    notes=json.loads(snakemake.params.notes),
    corrections=json.loads(snakemake.params.corrections),
    settings=PageSettings(**snakemake.params.settings, seed=snakemake.params.seed),
)
