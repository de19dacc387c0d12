"""What a run says at its end: the summary page and the headline."""
