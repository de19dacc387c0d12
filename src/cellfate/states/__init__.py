"""Tracked cells as a Markov chain between looks, absorbed by fates."""
