"""Numbers of tracks: exact to the last digit, and those that other programs give to whole lineages."""
