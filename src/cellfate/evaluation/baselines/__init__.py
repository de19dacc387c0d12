"""Simple predictors of fate that the network has to beat, on the same folds and the same prefixes."""
