"""Where the cell is: masks of crops and whole frames with Cellpose, and the features measured in them."""
