"""Which recordings there are: the sheet, and the downloads of public data sets."""
