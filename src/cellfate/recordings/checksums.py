"""Lists of checksums as md5sum and sha256sum write them."""

from pathlib import Path

from cellfate.base.errors import InputError


def read_md5sums(path: str | Path) -> dict[str, str]:
    """Read lines ``<md5>  <name>`` as written by md5sum; returns {name: md5}."""
    return _read_sums(Path(path), 32)


def read_sha256sums(path: str | Path) -> dict[str, str]:
    """Read lines ``<sha256>  <name>`` as written by sha256sum; returns {name: sha256}."""
    return _read_sums(Path(path), 64)


def _read_sums(path: Path, digits: int) -> dict[str, str]:
    sums: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        digest, _, name = line.strip().partition(" ")
        name = name.strip().removeprefix("*").removeprefix("./")
        if len(digest) != digits or not set(digest.lower()) <= set("0123456789abcdef") or not name:
            raise InputError(f"{path}: line {number}: {line[:80]!r} is not '<{digits} hexadecimal digits>  <file name>'")
        if sums.get(name, digest.lower()) != digest.lower():
            raise InputError(f"{path}: line {number}: {name} stands here for the second time, with another checksum")
        sums[name] = digest.lower()
    if not sums:
        raise InputError(f"{path}: no checksums in it")
    return sums
