"""Run a command and print, as the last line, the largest resident size in GB of any process below this one.

It imports next to nothing: Linux counts the size of the process that starts another to the one that is started.
"""

import resource
import subprocess
import sys

if __name__ == "__main__":
    subprocess.run(sys.argv[1:], check=True)
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9)
