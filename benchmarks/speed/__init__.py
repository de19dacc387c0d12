"""Speed and memory of each step beside the published way, on the same input, in one run.

``make bench`` runs every step, each in a process of its own, and writes docs/benchmarks.md; ``make bench STEPS="crops"`` runs one and
writes the page from what the others left. A step is a module of this folder named in ``STEPS``. Its docstring is its section of the
page (first line: the heading). It has

    rows(settings) -> iterator of Row         what is compared; checks itself that both ways give the same
    growth(settings) -> iterator of Point     how the cost grows (may be left out)
    full_run(settings) -> iterator of Share   what 274 recordings would take (may be left out)

``make bench-gpu`` runs the steps of the network on a machine with a GPU and leaves its tables in benchmarks/speed/gpu, which are committed
and stand in the page beside those of another machine. A step imports torch and other heavy packages inside these functions only.
"""

NETWORK_STEPS = ("reading", "training", "embedding", "truncation", "attention")  # those that a GPU takes part in
STEPS = ("crops", "crop_file", "segmentation", *NETWORK_STEPS, "permutation_test", "cliffs_delta")
