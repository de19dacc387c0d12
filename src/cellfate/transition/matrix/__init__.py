"""The transition matrix P: counted where next phenotypes are observed, and the intervals of both the counted and the networks' own."""
