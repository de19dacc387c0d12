"""Writing files so that a half-written one never carries its final name."""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256 as _sha256
from pathlib import Path

from cellfate.base.causes import cause_of, full_disk, in_words
from cellfate.base.errors import InputError
from cellfate.base.software import SOFTWARE


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` when the block succeeds.

    Works for a file and for a folder (the block creates either). When the block raises, the temporary path is removed
    and whatever stood at ``path`` before is untouched. A process killed in the middle leaves only the temporary name,
    which the next call for the same path removes. On a disk that is full the error says so, whatever a library made of it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    remove(temporary)
    try:
        yield temporary
        if temporary.is_dir() and path.is_dir():
            shutil.rmtree(path)
        os.replace(temporary, path)
    except BaseException as error:
        full = isinstance(error, OSError | RuntimeError) and cause_of(error) is None and full_disk([path.parent])
        remove(temporary)
        if full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
        raise


def keep_last(folder: str | Path) -> None:
    """Keep what ``folder`` holds under the hidden name ``.last-<its name>`` beside it: hard links, which take no space.

    For models: Snakemake deletes the outputs of a job before it runs it again, so that a training that fails would leave none at all.
    """
    folder = Path(folder)
    with replacing(folder.with_name(f".last-{folder.name}")) as temporary:
        shutil.copytree(folder, temporary, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copy2(source, target)


def write_json(content: Mapping, path: str | Path) -> None:
    """Write a mapping as JSON, signed by the program under the key ``software``."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps({**content, "software": SOFTWARE}, indent=2) + "\n")


def read_json(path: str | Path) -> dict:
    """What :func:`write_json` wrote, without its signature, which older files do not have."""
    content = load_json(path)
    content.pop("software", None)
    return content


def load_json(path: str | Path) -> dict:
    """The keys of a JSON file. Raises InputError with its name where it is damaged; FileNotFoundError where there is none."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(in_words(error, path)) from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: damaged: keys and values of JSON are needed, it holds {type(content).__name__}")
    return content


def remove(path: Path) -> None:
    """Remove a file or a folder tree; nothing happens when it does not exist."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sha256(path: str | Path) -> str:
    """The hexadecimal SHA-256 digest of a file, read in blocks of 1 MiB."""
    digest = _sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
