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

known, treatments = snakemake.params.recordings, json.loads(snakemake.params.treatments)
declared = {"tracks": TRACKS, "outcomes": OUTCOMES, "predictions": FATE_PREDICTIONS, "fates": NEW_FATES}
tables = {
    key: dict(zip(known, (read_table(path, table) for path in snakemake.input[key]), strict=True))
    for key, table in declared.items()
    if snakemake.input.get(key)
}
recordings = [
    PredictedRecording(
        name,
        partial(open_frames, **facts["frames"]),
        **{key: tables[key][name] if key in tables else None for key in declared},
        **{key: value for key, value in facts.items() if key != "frames"},
        treatment=treatments[name],
    )
    for name, facts in known.items()
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
