"""How good the risks over time are, beside clocks and baselines that are told as much. See docs/evaluation.md."""
