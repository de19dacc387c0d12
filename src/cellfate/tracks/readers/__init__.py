"""One module for each kind of file in which tracks come; each gives raw tracks, which are checked afterwards."""
