"""The tracks of cells and how they ended: read from the files of other programs, or linked here, then checked."""
