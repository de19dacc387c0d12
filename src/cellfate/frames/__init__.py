"""The images of a recording, whatever files they are in: readers behind one protocol, found through a registry, and their drift."""
