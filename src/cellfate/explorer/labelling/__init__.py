"""The page on which people say how tracks end, before any model is there: which tracks, in which order, and what is shown of them."""
