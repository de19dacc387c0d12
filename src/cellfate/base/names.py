"""What recordings and channels may be called, as their names stand in the names of files; and files that nobody means."""

import re

RECORDING_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
CHANNEL_NAME = re.compile(r"[A-Za-z0-9_-]+")
MARKUP = re.compile(r"</|<!--")  # where it stands inside a script element of a page, the page breaks
# left by file browsers, synchronisation and servers; what begins with a dot is, too, but for what describes a Zarr
OF_SYSTEMS = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "$recycle.bin"}
OF_ZARR = {".zattrs", ".zarray", ".zgroup", ".zmetadata"}


def is_of_system(name: str) -> bool:
    """Whether a file or folder of that name was left by a file browser, so that nobody means it as an image."""
    return name.lower() in OF_SYSTEMS or (name.startswith(".") and name not in OF_ZARR)
