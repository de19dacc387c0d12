"""Formulas on plain arrays: effect sizes, courses, permutation tests, bootstrap, Markov chains, reliability."""
