"""The network, what goes into it, and what it says: embeddings, predictions, attention, calibration."""
