"""The network of phenotype transitions, its training, and the networks that it is compared with."""
