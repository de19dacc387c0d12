"""Figures of scores: how often the network is right, when, how sure it is, and what its score is made of."""
