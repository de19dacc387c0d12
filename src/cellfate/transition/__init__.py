"""The second paper: phenotype transitions from single-cell RNA. Knows only statistics and base."""
