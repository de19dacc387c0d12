"""Downloads that resume, retry and are checked before a file gets its final name."""

import hashlib
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import requests
import urllib3

from cellfate.base.disk import human_size, require_free_space
from cellfate.base.errors import InputError

TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}
LONGEST_PAUSE = 60.0  # seconds between two attempts
BLOCK = 1 << 16  # bytes; what a stalled connection loses at most


class _InterruptedError(Exception):
    """An attempt failed in a way that a further attempt may mend."""

    def __init__(self, reason: str, pause: float = 0.0):
        super().__init__(reason)
        self.pause = pause


@dataclass(frozen=True)
class Wanted:
    """What a file must be. Values that are None are not checked."""

    md5: str | None = None
    sha256: str | None = None
    size: int | None = None

    def known(self) -> bool:
        return any(value is not None for value in (self.md5, self.sha256, self.size))

    def problem(self, path: Path) -> str | None:
        """Why the file at ``path`` is not the wanted one, or None."""
        found = path.stat().st_size
        if self.size is not None and found != self.size:
            return f"size expected {self.size} bytes, found {found}{_pointer_hint(path)}"
        for name, expected in (("md5", self.md5), ("sha256", self.sha256)):
            if expected is not None and (digest := _digest(path, name)) != expected.lower():
                return f"{name} expected {expected.lower()}, found {digest}{_pointer_hint(path)}"
        return None


def _digest(path: Path, algorithm: str) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def _pointer_hint(path: Path) -> str:
    with open(path, "rb") as stream:
        is_pointer = stream.read(40).startswith(b"version https://git-lfs.github.com")
    return " (the server sent a Git LFS pointer in place of the file)" if is_pointer else ""


@dataclass
class _Transfer:
    """One file on its way into ``part``; ``resumed`` tells whether bytes of an earlier attempt were kept."""

    url: str
    path: Path
    wanted: Wanted
    timeout: float
    advice: str
    resumed: bool = False

    @property
    def part(self) -> Path:
        return self.path.with_name(f".{self.path.name}.part")

    @property
    def validator(self) -> Path:
        """Beside the part: the server's ETag or date of the version that the part belongs to."""
        return self.path.with_name(f".{self.path.name}.version.part")

    def have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self.validator.unlink(missing_ok=True)

    def run(self, retries: int, backoff: float) -> None:
        """Attempt until everything is there; only attempts in a row that bring nothing new count against ``retries``."""
        failures, best = 0, self.have()
        while True:
            try:
                return self.attempt()
            except _InterruptedError as interruption:
                if self.have() > best:
                    failures, best = 0, self.have()
                failures += 1
                if failures > retries:
                    raise InputError(
                        f"{self.url}: {interruption}; gave up after {retries} further attempts. "
                        f"{human_size(self.have())} are kept: run again to go on, or {self.advice}"
                    ) from interruption
                pause = max(min(backoff * 2 ** (failures - 1), LONGEST_PAUSE), interruption.pause)
                _say(f"{self.path.name}: {interruption}; attempt {failures + 1} in {pause:.1f} s")
                time.sleep(pause)

    def attempt(self) -> None:
        have = self.have()
        headers = {"Accept-Encoding": "identity"}  # sizes, ranges and checksums are those of the stored file
        if have:
            headers["Range"] = f"bytes={have}-"
        try:
            with requests.get(self.url, headers=headers, stream=True, timeout=self.timeout) as response:
                if have and response.status_code == 416:
                    return self.beyond_the_end(response, have)
                self.check_status(response)
                return self.receive(response, self.first_byte(response, have))
        except (requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema, requests.exceptions.InvalidURL) as error:
            raise InputError(f"{self.url}: not an address that can be downloaded: {error}") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _InterruptedError(f"connection failed ({type(error).__name__})") from error

    def check_status(self, response: requests.Response) -> None:
        status = response.status_code
        if status in TRY_AGAIN:
            pause = response.headers.get("Retry-After", "")
            raise _InterruptedError(f"the server answered {status}", float(pause) if pause.isdigit() else 0.0)
        if status not in (200, 206):
            raise InputError(f"{self.url}: the server answered {status} ({response.reason}); its layout may have changed: {self.advice}")

    def beyond_the_end(self, response: requests.Response, have: int) -> None:
        """416: either the part is the whole file already, or it belongs to another version and we start again."""
        if response.headers.get("Content-Range", "").rpartition("/")[2] == str(have):
            self.resumed = True
            return
        self.forget()
        self.attempt()

    def first_byte(self, response: requests.Response, have: int) -> int:
        """Where the answer's bytes go: ``have`` when the server continues the same version, otherwise 0."""
        version = _version(response)
        known = self.validator.read_text() if self.validator.exists() else None
        if response.status_code == 206:
            same_start = response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
            if not same_start or (known is not None and version != known):
                self.forget()
                raise _InterruptedError("the server's file is another version; starting again")
            self.resumed = True
            return have
        self.part.unlink(missing_ok=True)
        if version is not None:
            self.validator.write_text(version)
        return 0

    def receive(self, response: requests.Response, start: int) -> None:
        total = _total(response, start)
        if total is not None:
            if self.wanted.size not in (None, total):
                self.forget()
                raise InputError(f"{self.url}: size expected {self.wanted.size} bytes, the server has {total}")
            require_free_space(self.path.parent, total - start, f"the download of {self.path.name}")
            kept = f", {human_size(start)} of it here already" if start else ""
            _say(f"{self.path.name}: {human_size(total)}{kept}")
        cut = None
        try:
            self.store(_reported(response.raw.stream(BLOCK, decode_content=False), self.path.name, start, total))
        except urllib3.exceptions.HTTPError as error:
            cut = error
        if cut or (total is not None and self.have() != total):
            raise _InterruptedError(f"connection cut at {self.have()} of {total or 'an unknown number of'} bytes") from cut

    def store(self, blocks: Iterable[bytes]) -> None:
        with open(self.part, "ab") as stream:
            for block in blocks:
                stream.write(block)
            stream.flush()
            os.fsync(stream.fileno())


def _total(response: requests.Response, start: int) -> int | None:
    """Size of the whole file as the server tells it, or None."""
    whole = response.headers.get("Content-Range", "").rpartition("/")[2]
    if start and whole.isdigit():
        return int(whole)
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdigit() else None


def _version(response: requests.Response) -> str | None:
    return response.headers.get("ETag") or response.headers.get("Last-Modified")


def _reported(blocks: Iterable[bytes], name: str, start: int, total: int | None, every: float = 3.0) -> Iterator[bytes]:
    """Pass the blocks on and print a line every ``every`` seconds."""
    begin = last = time.monotonic()
    done = start
    for block in blocks:
        yield block
        done += len(block)
        now = time.monotonic()
        if now - last >= every:
            speed = (done - start) / (now - begin)
            rest = f" of {human_size(total)} ({done / total:.0%}), {(total - done) / max(speed, 1):.0f} s left" if total else ""
            _say(f"{name}: {human_size(done)}{rest}, {human_size(speed)}/s")
            last = now


def _say(line: str) -> None:
    print(f"download {line}", file=sys.stderr, flush=True)


def fetch(
    url: str,
    path: str | Path,
    *,
    md5: str | None = None,
    sha256: str | None = None,
    size: int | None = None,
    retries: int = 5,
    backoff: float = 1.0,
    timeout: float = 30.0,
    advice: str | None = None,
) -> Path:
    """Download ``url`` to ``path`` and return ``path``.

    The bytes go to ``.<name>.part`` beside the target, which outlives a failure or a kill, so that the next call goes on
    where it stopped (a server that ignores ranges, or has another version by now, is asked for everything again). Cut
    connections and the answers 408, 425, 429 and 5xx are tried again with pauses of ``backoff`` * 1, 2, 4 ... seconds
    (at most 60), at most ``retries`` times in a row without new bytes. Size and checksums (hexadecimal) are compared
    before the file gets its final name. A file already at ``path`` that passes these is kept; without any of them it is
    downloaded again. ``timeout`` is in seconds of silence. ``advice`` tells the reader what to do when all fails.

    Raises InputError for any other answer (404 ...), when the attempts are used up, when the disk is too small, and for
    a wrong size or checksum, which a resumed download first answers with one fresh try.
    """
    path = Path(path)
    wanted = Wanted(md5, sha256, size)
    if wanted.known() and path.is_file() and wanted.problem(path) is None:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    transfer = _Transfer(url, path, wanted, timeout, advice or f"download it by hand and put it at {path}")
    if not (md5 or sha256 or transfer.validator.exists()):
        transfer.forget()  # nothing could tell whether that part belongs to the server's present version
    transfer.run(retries, backoff)
    problem = wanted.problem(transfer.part)
    if problem and transfer.resumed:
        _say(f"{path.name}: {problem} after a resumed download; one fresh try")
        transfer.forget()
        transfer.run(retries, backoff)
        problem = wanted.problem(transfer.part)
    if problem:
        transfer.forget()
        raise InputError(f"{path}: {problem}; downloaded from {url}")
    os.replace(transfer.part, path)
    transfer.forget()
    return path


def address(url: str, name: str) -> str:
    """The address of file ``name`` in the folder ``url``."""
    return f"{url.rstrip('/')}/{quote(name)}"
