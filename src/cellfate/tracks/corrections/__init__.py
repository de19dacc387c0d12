"""What a person found wrong in tracks and outcomes, kept apart from the files that it is about."""
