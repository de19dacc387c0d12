"""How the network learns: examples and their augmentation, epochs, and going on after an interruption."""
