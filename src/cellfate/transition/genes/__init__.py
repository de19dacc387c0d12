"""Which genes matter for the next phenotype: rankings, in-silico knockouts, and a test by refitting."""
