"""What a cell becomes: observed, by optimal transport over time points, or along pseudotime."""
