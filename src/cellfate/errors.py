"""The one exception that a user's mistake raises."""


class InputError(ValueError):
    """Bad input. The message names the file, the row and the offending value, and says what would be right."""
