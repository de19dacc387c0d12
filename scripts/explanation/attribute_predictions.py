"""Explain held-out cells by each method, and hide their frames in the order of each."""

from cellfate.base.gpus import check_gpus
from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.crops.tables import RINGS
from cellfate.evaluation.ablations.inputs import FoldFiles
from cellfate.explanation.attributions.fold import Explanation, PublishedNetwork, RisksNetwork, explain_fold
from cellfate.explanation.tables import ATTRIBUTED, ATTRIBUTIONS, DELETIONS, EXAMPLES
from cellfate.model.embedding_file import EmbeddingFile
from cellfate.model.inference import open_model
from cellfate.model.risks.ensemble import load_ensemble
from cellfate.model.risks.inputs import FrameInputs, InputSettings, read_frame_embedding
from cellfate.model.scaling import scaling_of
from cellfate.segmentation.tables import FEATURES
from cellfate.trajectories.lengths import Lengths
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])
check_gpus(snakemake.resources)

given, params = snakemake.input, snakemake.params
trajectories, split = read_table(given.trajectories, TRAJECTORIES), read_table(given.split, SPLIT)
window = Lengths.of(trajectories, params.treatment).occlusion_window(params.occlusion_window)
files = FoldFiles(trajectories, split, given.crops, given.masks, int(snakemake.wildcards.fold))
risks = None
if given.get("risks"):
    features, embedding = given.get("features"), given.get("embedding")
    inputs = FrameInputs(
        read_tables(given.rings, RINGS),
        read_tables(features, FEATURES) if features else None,
        read_frame_embedding(embedding) if embedding else None,
        params.risks["starts"],
        InputSettings(**params.risks["inputs"]),
    )
    risks = RisksNetwork(load_ensemble(given.risks), inputs, params.horizon_hours)
with EmbeddingFile(given.embeddings) as embeddings:
    model = open_model(given.model, threads=snakemake.threads, accelerator=params.accelerator)
    published = PublishedNetwork(model, embeddings, scaling_of(given.model))
    examples = read_table(given.examples, EXAMPLES)["trajectory"].unique()
    tables = explain_fold(published, risks, files, examples, Explanation(window=window, **params.settings))
for name, declared in (("attributions", ATTRIBUTIONS), ("attributed", ATTRIBUTED), ("deletions", DELETIONS)):
    write_table(tables[name], snakemake.output[name], declared)
