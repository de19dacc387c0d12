"""Chains of states: transition matrices, their rates over time, and checks that they are Markov chains."""
