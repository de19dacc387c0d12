"""What a run meets outside its jobs: the place where it works, and the table of those that failed."""
