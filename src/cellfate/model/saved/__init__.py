"""A trained model on disk: its folder, the published checkpoint as one, and the folder that is exported for others."""
