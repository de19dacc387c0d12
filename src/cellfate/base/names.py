"""What recordings and channels may be called: their names stand in the names of files."""

import re

RECORDING_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
CHANNEL_NAME = re.compile(r"[A-Za-z0-9_-]+")
