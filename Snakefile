# cellfate: from recordings of living cells to predictions of their fate.
# This file is the table of contents; the rules are in workflow/rules, every scientific choice in config.yaml.

from snakemake.utils import min_version

min_version("9.0")


configfile: "config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/recordings.smk"
include: "workflow/rules/tracking.smk"
include: "workflow/rules/crops.smk"
include: "workflow/rules/selection.smk"
include: "workflow/rules/segmentation.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/attention.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/truth.smk"
include: "workflow/rules/registration.smk"
include: "workflow/rules/prediction.smk"
include: "workflow/rules/transition.smk"
include: "workflow/rules/states.smk"


localrules:
    all,
    figures,
    predict,
    transition,
    states,


rule all:
    """Every figure, table and the summary page. Without the sheet: the sheet, and what follows."""
    default_target: True
    input:
        lambda wildcards: final_targets(),
    message:
        "All that was asked for is there"


onsuccess:
    print(last_words())


onerror:
    print(failed_jobs(log), file=sys.stderr)


rule figures:
    """Only the figures."""
    input:
        figure_targets(),
    message:
        "All figures are there"


rule predict:
    """The probability of each fate, per track and frame, by the model of `prediction`; no fates are needed."""
    input:
        prediction_targets(),
    message:
        "All predictions are there"


rule transition:
    """Phenotype transitions from single-cell RNA: matrix, regulators, knockouts and their figures."""
    input:
        lambda wildcards: transition_outputs(),
    message:
        "All phenotype transitions are there"


rule states:
    """A Markov view of tracked cells: states by their features, fates that absorb, and whether they are a Markov chain."""
    input:
        lambda wildcards: states_outputs(),
    message:
        "The states of the cells are there"
