"""By how much a split is optimistic that puts relatives on both sides: measured, and in words."""
