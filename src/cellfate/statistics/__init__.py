"""Formulas on plain arrays: effect sizes, courses, permutation tests, intervals, conformal sets, Markov chains, reliability."""
