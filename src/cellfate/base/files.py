"""Writing files so that a half-written one never carries its final name."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256 as _sha256
from pathlib import Path

from cellfate.base.software import SOFTWARE


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` when the block succeeds.

    Works for a file and for a folder (the block creates either). When the block raises, the temporary path is removed
    and whatever stood at ``path`` before is untouched. A process killed in the middle leaves only the temporary name,
    which the next call for the same path removes.
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
    except BaseException:
        remove(temporary)
        raise


def write_json(content: Mapping, path: str | Path) -> None:
    """Write a mapping as JSON, signed by the program under the key ``software``."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps({**content, "software": SOFTWARE}, indent=2) + "\n")


def read_json(path: str | Path) -> dict:
    """What :func:`write_json` wrote, without its signature, which older files do not have."""
    content = json.loads(Path(path).read_text())
    content.pop("software", None)
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
