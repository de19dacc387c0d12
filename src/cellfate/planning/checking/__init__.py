"""Everything that a run would open, checked before it: the command cellfate check."""
