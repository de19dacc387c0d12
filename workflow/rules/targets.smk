# Needs: what the other files leave. Leaves: nothing; these rules only ask for files. The main target is in the Snakefile.


rule figures:
    """Only the figures."""
    input:
        files_of("figures"),
    message:
        "All figures are there"


rule design:
    """What stands where and what the design alone tells of the outcome, from tracks alone: before anything expensive."""
    input:
        files_of("design"),
    message:
        "The design is checked"


rule label:
    """A page on which people say how tracks end, from tracks and crops alone: before any model."""
    input:
        files_of("label"),
    message:
        "The page to label cells on is there"


rule predict:
    """The probability of each fate, per track and frame, by the model of `prediction`; no fates are needed."""
    input:
        files_of("predictions"),
    message:
        "All predictions are there"


rule transition:
    """Phenotype transitions from single-cell RNA: matrix, regulators, knockouts and their figures."""
    input:
        files_of("transition"),
    message:
        "All phenotype transitions are there"


rule states:
    """A Markov view of tracked cells: states by their features, fates that absorb, and whether they are a Markov chain."""
    input:
        files_of("states"),
    message:
        "The states of the cells are there"
