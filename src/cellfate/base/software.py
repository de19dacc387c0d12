"""The program's name and version, written beside results. Nothing is installed where the workflow runs, so it stands here."""

VERSION = "0.2.0"
SOFTWARE = f"cellfate {VERSION}"
