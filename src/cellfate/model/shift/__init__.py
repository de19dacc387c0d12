"""How far a recording lies from those that a model saw: what is known of these, and the comparison."""
