"""The sections of the summary page: what each says, from the tables of the run."""
