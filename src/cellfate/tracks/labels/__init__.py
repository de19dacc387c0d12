"""What people saw in tracks without an outcome: labels, given on the label page, with who gave them."""
