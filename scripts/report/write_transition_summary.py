"""Write the summary page of phenotype transitions from their tables, figures and captions."""

from cellfate.base.logs import log_to
from cellfate.base.software import SOFTWARE
from cellfate.base.tables import read_table
from cellfate.report.transition_page import write_transition_page
from cellfate.transition.tables import (
    CELL_VIEW,
    COMPARED_MATRICES,
    GENE_KNOCKOUTS,
    SET_KNOCKOUTS,
    TARGET_FACTS,
    TRANSITION_ALL_SCORES,
    TRANSITION_FATES,
    TRANSITION_MATRIX,
    TRANSITION_PAIRS,
)

log_to(snakemake.log[0])

declared = {"cells": CELL_VIEW, "scores": TRANSITION_ALL_SCORES, "matrices": TRANSITION_MATRIX, "facts": TARGET_FACTS}
declared |= {"pairs": TRANSITION_PAIRS, "genes": GENE_KNOCKOUTS, "sets": SET_KNOCKOUTS, "fates": TRANSITION_FATES}
declared |= {"compared": COMPARED_MATRICES}
write_transition_page(
    snakemake.output.page,
    dataset=snakemake.wildcards.dataset,
    **{name: read_table(snakemake.input[name], table) if snakemake.input[name] else None for name, table in declared.items()},
    figures=snakemake.input.figures,
    captions=snakemake.input.captions,
    software=SOFTWARE,
    config_digest=snakemake.params.config_digest,
)
