"""Every figure, one file each, drawn from its tables alone."""
