"""Where chains of phenotypes end, when, along what, with which genes, and whether conditions differ."""
