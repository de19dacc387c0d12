"""Extraction of zip and tar archives that trusts nothing in them."""

import lzma
import shutil
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from cellfate.base.disk import require_free_space
from cellfate.base.errors import InputError
from cellfate.base.files import replacing

Member = tuple[str, int, Callable[[], BinaryIO]]
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, NotImplementedError)
_CLUTTER = ("__MACOSX", ".DS_Store", "Thumbs.db", "Icon\r")
_CONTROL = ("Cc", "Cs", "Zl", "Zp")  # categories of Unicode: characters that command a terminal, bytes that are no text, ends of lines


def extract_archive(path: str | Path, folder: str | Path, lift: bool = False) -> Path:
    """Extract a zip or tar (plain, gz, bz2, xz) archive to ``folder``, which appears only when everything is out of it.

    Only regular files and folders are accepted. With ``lift``, a single folder at the top is left out of the paths.
    Raises InputError for a broken or empty archive, absolute paths, ``..``, control characters in names, links, devices, a name
    that occurs twice, and a disk that is too small for the extracted files; nothing then stands at ``folder``.
    """
    path, folder = Path(path), Path(folder)
    with replacing(folder) as temporary:
        temporary.mkdir()
        try:
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    _write(list(_zip_members(archive, path)), temporary, path, lift)
            elif tarfile.is_tarfile(path):
                with tarfile.open(path) as archive:
                    _write(list(_tar_members(archive, path)), temporary, path, lift)
            else:
                raise InputError(f"{path}: neither a zip nor a tar archive")
        except _BROKEN as error:
            raise InputError(f"{path}: the archive cannot be extracted: {error}") from error
    return folder


def _zip_members(archive: zipfile.ZipFile, path: Path) -> Iterator[Member]:
    for info in archive.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise InputError(f"{path}: {info.filename!r} is a link or a device; only files and folders are extracted")
        _checked(info.filename, path)
        if not info.is_dir():
            yield info.filename, info.file_size, lambda info=info: archive.open(info)


def _tar_members(archive: tarfile.TarFile, path: Path) -> Iterator[Member]:
    for info in archive:
        if not (info.isfile() or info.isdir()):
            raise InputError(f"{path}: {info.name!r} is a link or a device; only files and folders are extracted")
        _checked(info.name, path)
        if info.isfile():
            yield info.name, info.size, lambda info=info: archive.extractfile(info)


def _checked(name: str, path: Path) -> PurePosixPath:
    """The member's path below the target folder; a name that could lead out of it, or command a terminal, is an InputError."""
    inner = PurePosixPath(name)
    if inner.name not in _CLUTTER and any(unicodedata.category(one) in _CONTROL for one in name):
        raise InputError(f"{path}: the name {name!a} has control characters, or bytes that are no text; plain names are needed")
    if inner.is_absolute() or ".." in inner.parts or "\\" in name or name[1:2] == ":":
        raise InputError(f"{path}: {name!r} leads out of the folder; only relative names without '..' and '\\' are extracted")
    return inner


def _write(members: list[Member], folder: Path, path: Path, lift: bool) -> None:
    members = [member for member in members if not set(PurePosixPath(member[0]).parts) & set(_CLUTTER)]
    if not members:
        raise InputError(f"{path}: no files in the archive")
    require_free_space(folder, sum(size for _, size, _ in members), f"the content of {path.name}")
    skip = _common_folders([_checked(name, path) for name, _, _ in members]) if lift else 0
    for name, size, opened in members:
        target = folder.joinpath(*_checked(name, path).parts[skip:])
        if target.exists():
            raise InputError(f"{path}: {name!r} occurs twice in the archive")
        target.parent.mkdir(parents=True, exist_ok=True)
        with opened() as source, open(target, "xb") as stream:
            shutil.copyfileobj(source, stream, 1 << 20)
        if target.stat().st_size != size:
            raise InputError(f"{path}: {name!r} has {target.stat().st_size} bytes, its entry says {size}")


def _common_folders(names: list[PurePosixPath]) -> int:
    """How many leading folders all names share."""
    levels = zip(*(name.parent.parts for name in names), strict=False)
    return next((depth for depth, level in enumerate(levels) if len(set(level)) > 1), min(len(name.parent.parts) for name in names))
