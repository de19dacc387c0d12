"""The square around each tracked cell in each frame: cut once, kept in one file per recording."""
