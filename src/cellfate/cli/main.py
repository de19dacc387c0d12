"""The console command ``cellfate``: a table of its commands, each loaded only when it is used.

A command's module offers ``add_parser(subparsers)``, which adds its parser and sets ``run``, a function of the parsed arguments that
returns the exit status.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from cellfate.base.causes import CAUSE, cause_of, likely_cause
from cellfate.base.errors import INPUT_ERROR, InputError
from cellfate.base.software import SOFTWARE

COMMANDS = {  # name: (module, what --help says of it)
    "init": ("cellfate.cli.init", "write a recordings sheet and a configuration for your images"),
    "check": ("cellfate.cli.check", "look at a recordings sheet, its images and its tracks before anything is computed"),
    "predict": ("cellfate.cli.predict", "predict the cells of recordings that have tracks, with an exported model"),
    "headline": ("cellfate.cli.headline", "print the headline numbers of a finished run"),
    "compare": ("cellfate.cli.compare", "compare two finished runs on the cells that both held out"),
    "edits": ("cellfate.cli.edits", "take back tracks that were edited in napari or another program"),
    "labels": ("cellfate.cli.labels", "compare two people's labels of the same cells"),
    "card": ("cellfate.cli.card", "print the card of an exported model: what it was trained on, and how good it is"),
}
DESCRIPTION = """\
From live-cell recordings to calibrated, explained predictions of cell fate.

These commands do what needs no workflow. Training, segmentation, tracking and the figures of a whole data set are
rules of the Snakemake workflow: see the README of the repository.
"""
EPILOG = """\
examples:
  cellfate card results/demo/corrected/model
  cellfate predict results/demo/corrected/model new_recordings.tsv --output predictions
  cellfate headline results/demo/corrected
  cellfate compare results/demo/paper results/demo/corrected

"cellfate COMMAND --help" says more of a command. The exit status is 0, 1 for bad input, 2 for a mistyped command line.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command of ``argv`` (default: of the process) and return the exit status; bad input is one line on standard error."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        arguments = build_parser(words[:1]).parse_args(words or ["--help"])
        status = arguments.run(arguments)
        sys.stdout.flush()  # a reader that has gone shows here, not when Python ends
    except InputError as error:
        print(f"{CAUSE if cause_of(error) else INPUT_ERROR}{error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # as in: cellfate card MODEL | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (OSError, RuntimeError, MemoryError) as error:
        if (cause := likely_cause(error)) is None:
            raise
        print(f"{CAUSE}{cause}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # files that are not complete are gone already
        return 130
    return status


def build_parser(used: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of the command line; of the commands, only the module of the one in ``used`` is loaded."""
    parser = argparse.ArgumentParser(
        "cellfate", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=SOFTWARE)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, (module, line) in COMMANDS.items():
        if name in used:
            import_module(module).add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=line, add_help=False)
    return parser


if __name__ == "__main__":
    sys.exit(main())
