"""What the score is made of: the same network on held-out cells of which a part of the input is hidden."""
