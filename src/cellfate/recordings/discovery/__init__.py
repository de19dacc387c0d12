"""What is in a folder: recordings and tracks found by their files, and a first sheet and settings for them."""
