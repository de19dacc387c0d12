"""The program's name and version, written beside results. Nothing is installed where the workflow runs, so it stands here."""

VERSION = "0.1.0"
SOFTWARE = f"cellfate {VERSION}"
