"""Files and archives of a public data set, checked and unpacked."""

import os
import shutil
import tempfile
from pathlib import Path

from cellfate.base.errors import InputError
from cellfate.base.progress import progress
from cellfate.recordings.archives import extract_archive
from cellfate.recordings.checksums import read_md5sums, read_sha256sums
from cellfate.recordings.transfer import Wanted, address, fetch


def published_md5(url: str, checksums: str | None, name: str, **options) -> str | None:
    """The MD5 that the file ``checksums`` in folder ``url`` lists for ``name``; None when ``checksums`` is None.

    ``name`` is looked up as it stands and then as the last part of a longer path, which must be unique. ``options`` are
    those of :func:`fetch`.
    """
    if checksums is None:
        return None
    unchecked = "correct source.checksums, or set it to null to download without checksums"
    with tempfile.TemporaryDirectory() as folder:
        sums = read_md5sums(fetch(address(url, checksums), Path(folder) / Path(checksums).name, advice=unchecked, **options))
    found = {name: sums[name]} if name in sums else {key: value for key, value in sums.items() if key.endswith(f"/{name}")}
    if len(found) != 1:
        listed = f"{len(found)} files of that name" if found else f"not listed among its {len(sums)} files"
        raise InputError(f"{address(url, checksums)}: {name}: {listed}; name the file as it stands there, or {unchecked}")
    return next(iter(found.values()))


def download_file(
    url: str, file: str, path: str | Path, checksums: str | None = None, by_hand: str | None = None, then: str | None = None, **options
) -> Path:
    """Download ``file`` of the folder ``url`` to ``path``, checked against the MD5 that ``checksums`` lists there.

    Without checksums, a file that is at ``path`` already (put there by hand) is kept. ``by_hand`` is the page that an
    error names for a download in the browser, ``then`` what to do with the file from there (None: put it at ``path``).
    ``options`` are those of :func:`fetch`.
    """
    path = Path(path)
    md5 = published_md5(url, checksums, file, **options)
    if md5 is None and path.is_file():
        return path
    page = f" (see {by_hand})" if by_hand else ""
    return fetch(address(url, file), path, md5=md5, advice=f"download it by hand{page} and {then or f'put it at {path}'}", **options)


def download_archive(url: str, file: str, folder: str | Path, checksums: str | None = None, by_hand: str | None = None, **options) -> Path:
    """Download the archive ``file`` of the folder ``url`` and extract it to ``folder``, which appears only when complete.

    The archive waits beside ``folder`` under ``.archives`` (so that a killed job does not download it again) and is removed
    after the extraction. A single folder at the archive's top is left out of the extracted paths. ``by_hand`` and
    ``options`` are those of :func:`download_file`.
    """
    folder = Path(folder)
    waiting = folder.parent / ".archives" / folder.name / Path(file).name
    archive = download_file(url, file, waiting, checksums, by_hand, then=f"unpack its frames into {folder}", **options)
    extract_archive(archive, folder, lift=True)
    shutil.rmtree(archive.parent)
    return folder


def fetch_files(checksums: str | Path, folder: str | Path, url: str, local: str | Path | None = None, **options) -> Path:
    """Bring the files listed in a sha256sum file into ``folder``, which appears only when all of them are there and right.

    They come from the folder ``url``, or, when ``local`` is given, are copied from that folder. Files that arrived
    before an interruption are not fetched again. ``options`` are those of :func:`fetch`.
    """
    folder = Path(folder)
    sums = read_sha256sums(checksums)
    outside = [name for name in sums if Path(name).name != name]
    if outside:
        raise InputError(f"{checksums}: {outside[0]!r} is not a plain file name")
    advice = "download the files by hand into a folder and name it in source.local"
    arriving = folder.with_name(f".{folder.name}.part")
    arriving.mkdir(parents=True, exist_ok=True)
    for name, digest in progress(list(sums.items()), f"fetch {folder.name}", unit="file"):
        if local is None:
            fetch(address(url, name), arriving / name, sha256=digest, advice=advice, **options)
        else:
            _copy_checked(Path(local) / name, arriving / name, digest)
    for path in arriving.iterdir():
        if path.name not in sums:
            path.unlink()
    if folder.exists():
        shutil.rmtree(folder)
    os.replace(arriving, folder)
    return folder


def _copy_checked(source: Path, target: Path, digest: str) -> None:
    if not source.is_file():
        raise InputError(f"{source}: no such file; the folder with local copies must hold every file of the checksum list")
    shutil.copyfile(source, target)
    problem = Wanted(sha256=digest).problem(target)
    if problem:
        raise InputError(f"{source}: {problem}")
