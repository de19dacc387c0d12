"""What is predicted: tracks with a fate, cut at their event, and the part of each fold that they are in."""
