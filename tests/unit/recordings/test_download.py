"""Downloads against a real HTTP server on loopback, and archives that try to write outside their folder."""

import hashlib
import io
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from cellfate.base import disk
from cellfate.base.disk import human_size, require_free_space
from cellfate.base.errors import InputError
from cellfate.recordings import archives
from cellfate.recordings import transfer as download
from cellfate.recordings.archives import extract_archive
from cellfate.recordings.checksums import read_md5sums, read_sha256sums
from cellfate.recordings.download import download_archive, download_file, fetch_files, published_md5
from cellfate.recordings.transfer import fetch

CONTENT = np.random.default_rng(1).bytes(300_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


class Site:
    """What the server serves, how it misbehaves, and what it was asked."""

    def __init__(self):
        self.files = {"/f.bin": CONTENT}
        self.ranges = True
        self.etag = '"v1"'
        self.cuts = []  # bytes after which the next answers are cut
        self.statuses = []  # answers given in place of the next ones
        self.headers = {}  # further headers of every error answer
        self.cap = 10**9  # bytes that one answer to a range holds at most
        self.slow = 0.0  # seconds before each 10,000 bytes
        self.length = True  # whether Content-Length is told
        self.requests = []  # (path, Range header)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        site = self.server.site
        site.requests.append((self.path, self.headers.get("Range")))
        status = site.statuses.pop(0) if site.statuses else 200
        body = site.files.get(self.path)
        if status != 200 or body is None:
            return self.refuse(status if status != 200 else 404, site.headers)
        start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-")) if site.ranges and self.headers.get("Range") else 0
        if start >= len(body):
            return self.refuse(416, {"Content-Range": f"bytes */{len(body)}"})
        stop = min(len(body), start + site.cap) if start else len(body)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(body)}")
        if site.length:
            self.send_header("Content-Length", str(stop - start))
        if site.etag:
            self.send_header("ETag", site.etag)
        self.send_header("Connection", "close")
        self.end_headers()
        cut = site.cuts.pop(0) if site.cuts else None
        sent = body[start:stop] if cut is None else body[start : start + cut]
        for begin in range(0, len(sent), 10_000):
            if site.slow:
                time.sleep(site.slow)
            self.wfile.write(sent[begin : begin + 10_000])
        self.wfile.flush()
        if cut is not None:
            # a reset may overtake bytes on their way; a plain close delivers them first
            self.connection.shutdown(socket.SHUT_WR)
        self.close_connection = True
        return None

    def refuse(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # the client went away: what some tests do
            super().handle_error(request, client_address)


@pytest.fixture
def site():
    server = Server(("127.0.0.1", 0), Handler)
    server.site = Site()
    server.site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server.site
    server.shutdown()
    server.server_close()


@pytest.fixture
def get(site, tmp_path):
    def get(**options):
        return fetch(f"{site.url}/f.bin", tmp_path / "f.bin", **{"backoff": 0.001, "timeout": 5, **options})

    return get


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def ranges(site):
    return [asked for _, asked in site.requests]


def test_a_plain_download_leaves_nothing_else(site, get, tmp_path, capsys):
    assert get(md5=MD5, size=len(CONTENT)) == tmp_path / "f.bin"
    assert (tmp_path / "f.bin").read_bytes() == CONTENT
    assert left(tmp_path) == ["f.bin"]
    assert ranges(site) == [None]
    assert "download f.bin: 300 kB" in capsys.readouterr().err


def test_a_file_that_is_right_already_is_not_asked_for_again(site, get, tmp_path):
    get(sha256=hashlib.sha256(CONTENT).hexdigest())
    get(sha256=hashlib.sha256(CONTENT).hexdigest())
    assert len(site.requests) == 1
    (tmp_path / "f.bin").write_bytes(b"older")
    get(md5=MD5.upper())
    assert (tmp_path / "f.bin").read_bytes() == CONTENT


def test_a_cut_connection_goes_on_where_it_stopped(site, get, tmp_path):
    site.cuts = [100_000, 50_000]
    get(md5=MD5)
    assert ranges(site) == [None, "bytes=100000-", "bytes=150000-"]
    assert (tmp_path / "f.bin").read_bytes() == CONTENT
    assert left(tmp_path) == ["f.bin"]


def test_a_server_that_ignores_ranges_is_asked_from_the_start(site, get, tmp_path):
    site.ranges = False
    site.cuts = [100_000]
    get(md5=MD5)
    assert ranges(site) == [None, "bytes=100000-"]
    assert (tmp_path / "f.bin").read_bytes() == CONTENT


def test_cuts_are_endured_as_long_as_bytes_arrive(site, get):
    site.cuts = [20_000] * 12
    get(md5=MD5, retries=1)
    assert len(site.requests) == 13


def test_a_server_that_answers_ranges_piece_by_piece(site, get, tmp_path):
    site.cuts, site.cap = [100_000], 80_000
    get()
    assert ranges(site) == [None, "bytes=100000-", "bytes=180000-", "bytes=260000-"]
    assert (tmp_path / "f.bin").read_bytes() == CONTENT


def test_cuts_at_the_same_place_end(site, get, tmp_path):
    site.ranges = False
    site.cuts = [1000] * 20
    with pytest.raises(InputError, match=r"connection cut at 1000 of 300000 bytes; gave up after 3 further attempts. 1 kB are kept"):
        get(md5=MD5, retries=3)
    assert len(site.requests) == 4  # the first brought bytes, three did not
    assert left(tmp_path) == [".f.bin.part", ".f.bin.version.part"]


def test_a_chunked_or_unmeasured_answer(site, get, tmp_path):
    site.length = False
    get()
    assert (tmp_path / "f.bin").read_bytes() == CONTENT


def test_an_unmeasured_answer_that_is_cut_has_the_wrong_size(site, get, tmp_path):
    site.length = False
    site.cuts = [1000]
    with pytest.raises(InputError, match=r"f.bin: size expected 300000 bytes, found 1000"):
        get(size=len(CONTENT))
    assert left(tmp_path) == []


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_busy_then_well(site, get, tmp_path, status):
    site.statuses = [status, status]
    get(md5=MD5)
    assert len(site.requests) == 3
    assert (tmp_path / "f.bin").read_bytes() == CONTENT


def test_pauses_double_and_heed_the_server(site, get, monkeypatch):
    pauses = []
    monkeypatch.setattr(download.time, "sleep", pauses.append)
    site.statuses = [503] * 8
    get(backoff=4.0, retries=8)
    assert pauses == [4, 8, 16, 32, 60, 60, 60, 60]
    pauses.clear()
    site.statuses, site.headers = [503], {"Retry-After": "7"}
    get(backoff=1.0)
    assert pauses == [7]


def test_busy_for_too_long(site, get, tmp_path):
    site.statuses = [503] * 9
    with pytest.raises(InputError, match=r"f.bin: the server answered 503; gave up after 2 further attempts"):
        get(retries=2)
    assert len(site.requests) == 3
    assert left(tmp_path) == []


@pytest.mark.parametrize("status", [404, 403, 410])
def test_not_there_says_what_to_do_and_is_not_tried_again(site, tmp_path, status):
    site.statuses = [status] * 3
    with pytest.raises(InputError) as caught:
        download_file(site.url, "f.bin", tmp_path / "f.bin", by_hand="https://example.org/page", backoff=0.001)
    assert str(caught.value).count("\n") == 0
    assert f"{site.url}/f.bin: the server answered {status}" in str(caught.value)
    assert f"download it by hand (see https://example.org/page) and put it at {tmp_path / 'f.bin'}" in str(caught.value)
    assert len(site.requests) == 1
    assert left(tmp_path) == []


def test_no_server(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(InputError, match=r"connection failed \(ConnectionError\); gave up after 1 further"):
        fetch(f"http://127.0.0.1:{port}/f", tmp_path / "f", retries=1, backoff=0.001)
    with pytest.raises(InputError, match=r"not an address"):
        fetch("frl.publisso.de/data", tmp_path / "f")


def test_a_silent_server_times_out(site, get):
    site.slow = 1.0
    with pytest.raises(InputError, match=r"connection (failed|cut)"):
        get(timeout=0.1, retries=0)


def test_wrong_checksum(site, get, tmp_path):
    with pytest.raises(InputError) as caught:
        get(md5="0" * 32)
    assert f"{tmp_path / 'f.bin'}: md5 expected {'0' * 32}, found {MD5}" in str(caught.value)
    assert left(tmp_path) == []
    assert len(site.requests) == 1


def test_wrong_size_is_seen_before_the_download(site, get, tmp_path):
    with pytest.raises(InputError, match=r"size expected 5 bytes, the server has 300000"):
        get(size=5)
    assert left(tmp_path) == []


def test_wrong_checksum_after_a_resumed_download_gets_one_fresh_try(site, get, tmp_path):
    (tmp_path / ".f.bin.part").write_bytes(b"x" * 1000)  # not what the server has
    get(md5=MD5)
    assert ranges(site) == ["bytes=1000-", None]
    assert (tmp_path / "f.bin").read_bytes() == CONTENT
    (tmp_path / "f.bin").unlink()
    (tmp_path / ".f.bin.part").write_bytes(b"x" * 1000)
    site.requests.clear()
    with pytest.raises(InputError, match=r"md5 expected"):
        get(md5="0" * 32)
    assert ranges(site) == ["bytes=1000-", None]
    assert left(tmp_path) == []


def test_a_part_that_is_whole_already(site, get, tmp_path):
    (tmp_path / ".f.bin.part").write_bytes(CONTENT)
    get(md5=MD5)
    assert ranges(site) == [f"bytes={len(CONTENT)}-"]
    assert (tmp_path / "f.bin").read_bytes() == CONTENT


def test_a_part_that_is_longer_than_the_file(site, get, tmp_path):
    (tmp_path / ".f.bin.part").write_bytes(CONTENT + b"more")
    get(md5=MD5)
    assert ranges(site) == [f"bytes={len(CONTENT) + 4}-", None]
    assert (tmp_path / "f.bin").read_bytes() == CONTENT


def test_without_checksums_a_part_is_only_continued_within_one_version(site, get, tmp_path):
    site.cuts = [100_000, 0]
    with pytest.raises(InputError, match=r"are kept"):
        get(retries=0)
    other = np.random.default_rng(2).bytes(300_000)
    site.files["/f.bin"], site.etag = other, '"v2"'
    site.cuts = []
    get()
    assert (tmp_path / "f.bin").read_bytes() == other
    (tmp_path / ".f.bin.part").write_bytes(b"of unknown origin")
    site.requests.clear()
    get()
    assert ranges(site) == [None]
    assert (tmp_path / "f.bin").read_bytes() == other


def test_killed_and_resumed(site, tmp_path):
    site.slow = 0.02
    code = f"from cellfate.recordings.transfer import fetch; fetch({site.url + '/f.bin'!r}, {str(tmp_path / 'f.bin')!r})"
    environment = os.environ | {"PYTHONPATH": str(Path(download.__file__).parents[2])}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL)
    part = tmp_path / ".f.bin.part"
    wait_for_bytes(process, part)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = part.stat().st_size
    assert 0 < kept < len(CONTENT)
    assert not (tmp_path / "f.bin").exists()
    site.slow = 0
    site.requests.clear()
    fetch(f"{site.url}/f.bin", tmp_path / "f.bin", md5=MD5, backoff=0.001)
    assert ranges(site) == [f"bytes={kept}-"]
    assert (tmp_path / "f.bin").read_bytes() == CONTENT
    assert left(tmp_path) == ["f.bin"]


def wait_for_bytes(process, part):
    """Wait until some bytes of the child's download are on disk."""
    deadline = time.monotonic() + 15
    while not (part.exists() and part.stat().st_size > 0):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_git_lfs_pointer_is_named(site, get):
    site.files["/f.bin"] = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"
    with pytest.raises(InputError, match=r"Git LFS pointer"):
        get(md5=MD5)


def test_progress_of_a_long_download(capsys):
    blocks = [b"x" * 250] * 4
    assert list(download._reported(blocks, "f.bin", 1000, 2000, every=0)) == blocks
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        "download f.bin: 1.25 kB of 2 kB (62%)",
        "download f.bin: 1.5 kB of 2 kB (75%)",
        "download f.bin: 1.75 kB of 2 kB (88%)",
        "download f.bin: 2 kB of 2 kB (100%)",
    ]
    list(download._reported(blocks[:1], "f.bin", 0, None, every=0))
    assert capsys.readouterr().err.startswith("download f.bin: 250 bytes, ")


def test_too_little_space_is_said_before_the_download(site, get, tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "free_space", lambda folder: 299_999)
    with pytest.raises(InputError, match=r"the download of f.bin needs 300 kB, the disk has 300 kB free"):
        get()
    assert not (tmp_path / "f.bin").exists()
    monkeypatch.setattr(disk, "free_space", lambda folder: 300_000)
    get()


def test_free_space_of_a_folder_that_is_not_there_yet(tmp_path):
    require_free_space(tmp_path / "a/b/c", 1, "a byte")
    with pytest.raises(InputError, match=r"everything needs 1e.09 TB"):
        require_free_space(tmp_path / "a/b/c", 10**21, "everything")


def test_sizes_for_people():
    assert [human_size(n) for n in (0, 999, 1500, 320_900_000_000, 2e12)] == ["0 bytes", "999 bytes", "1.5 kB", "321 GB", "2 TB"]


def test_checksum_lists(tmp_path):
    path = tmp_path / "sums"
    path.write_text(f"# made by md5sum\n{'a' * 32}  one two.zip\n\n{'B' * 32} *./d/three.zip\n")
    assert read_md5sums(path) == {"one two.zip": "a" * 32, "d/three.zip": "b" * 32}
    for text, message in [
        ("<html>404</html>\n", "line 1: '<html>404</html>' is not"),
        (f"{'a' * 32}  x\n{'a' * 31}  y\n", "line 2"),
        (f"{'a' * 32}\n", "line 1"),
        (f"{'a' * 32}  x\n{'b' * 32}  x\n", "line 2: x stands here for the second time"),
        ("", "no checksums"),
    ]:
        path.write_text(text)
        with pytest.raises(InputError, match=f"sums: {message}"):
            read_md5sums(path)
    path.write_text(f"{'a' * 64}  x\n")
    assert read_sha256sums(path) == {"x": "a" * 64}


def test_checksums_of_the_server(site):
    site.files["/frl:1/md5sums.txt"] = f"{MD5}  data/f.bin\n{'a' * 32}  x/g\n{'b' * 32}  y/g\n".encode()
    url = f"{site.url}/frl:1/"
    assert published_md5(url, "md5sums.txt", "f.bin") == MD5
    assert published_md5(url, "md5sums.txt", "y/g") == "b" * 32
    assert published_md5(url, None, "f.bin") is None
    with pytest.raises(InputError, match=r"md5sums.txt: h: not listed among its 3 files; .* set it to null"):
        published_md5(url, "md5sums.txt", "h")
    with pytest.raises(InputError, match=r"g: 2 files of that name"):
        published_md5(url, "md5sums.txt", "g")
    with pytest.raises(InputError, match=r"sums: the server answered 404 .*set it to null"):
        published_md5(url, "sums", "f.bin")


def zipped(files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(files, mode="w:gz"):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, content in files.items():
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            if not isinstance(content, tarfile.TarInfo):
                info.size = len(content)
            archive.addfile(info, None if info is content else io.BytesIO(content))
    return stream.getvalue()


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.fixture
def extract(tmp_path):
    def extract(data, lift=False):
        path = tmp_path / "a.archive"
        path.write_bytes(data)
        return extract_archive(path, tmp_path / "out", lift)

    return extract


@pytest.mark.parametrize("pack", [zipped, tarred, lambda files: tarred(files, "w"), lambda files: tarred(files, "w:xz")])
def test_extraction(extract, tmp_path, pack):
    files = {"d/1.tif": CONTENT, "d/e/2.tif": b"", "./3.tif": b"3"}
    extract(pack(files))
    assert {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file()} == {"d/1.tif", "d/e/2.tif", "3.tif"}
    assert (tmp_path / "out/d/1.tif").read_bytes() == CONTENT
    assert left(tmp_path) == ["a.archive", "out"]


def test_a_common_top_folder_is_lifted_and_clutter_left_out(extract, tmp_path):
    extract(
        zipped({"data/001/": b"", "data/001/1.tif": b"1", "data/001/b/2.tif": b"2", "__MACOSX/data/._1.tif": b"", "data/.DS_Store": b""}),
        True,
    )
    assert left(tmp_path / "out") == ["1.tif", "b"]
    extract(zipped({"1.tif": b"1", "b/2.tif": b"2"}), True)
    assert left(tmp_path / "out") == ["1.tif", "b"]


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "{folder}/evil", "C:evil", "a\\..\\evil", ".."])
def test_names_that_lead_out(extract, tmp_path, pack, name):
    with pytest.raises(InputError, match=r"a.archive: .* leads out of the folder"):
        extract(pack({"fine": b"1", name.format(folder=tmp_path): b"2"}))
    assert left(tmp_path) == ["a.archive"]
    assert not (tmp_path.parent / "evil").exists()


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("name", ["a\nb.tif", "\x1b[2Jb.tif", "a\x7f.tif", "a\u2028b.tif", "d\r/1.tif", "a\x85b.tif"])
def test_names_with_control_characters(extract, tmp_path, pack, name):
    with pytest.raises(InputError) as caught:
        extract(pack({"fine": b"1", name: b"2"}))
    message = str(caught.value)
    assert "a.archive: the name " in message
    assert "has control characters" in message
    assert message.isprintable()
    assert left(tmp_path) == ["a.archive"]


def test_names_in_other_scripts_are_plain_and_those_that_are_no_text_are_not(extract, tmp_path):
    extract(tarred({"zellen ä 細胞.tif": b"1", "Icon\r": b""}))
    assert left(tmp_path / "out") == ["zellen ä 細胞.tif"]
    with pytest.raises(InputError, match=r"the name 'a\\udcff.tif' has control characters, or bytes that are no text"):
        extract(tarred({"a\udcff.tif": b"1"}))


@pytest.mark.parametrize(
    "member",
    [
        special("link", tarfile.SYMTYPE, "/etc"),
        special("link", tarfile.SYMTYPE, "fine"),
        special("link", tarfile.LNKTYPE, "../../etc/passwd"),
        special("device", tarfile.CHRTYPE),
        special("pipe", tarfile.FIFOTYPE),
    ],
)
def test_links_and_devices_in_tar(extract, tmp_path, member):
    with pytest.raises(InputError, match=r"'(link|device|pipe)' is a link or a device"):
        extract(tarred({"fine": b"1", "member": member, "link/passwd": b"2"}))
    assert left(tmp_path) == ["a.archive"]


def test_links_in_zip(extract, tmp_path):
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(InputError, match=r"'link' is a link or a device"):
        extract(zipped({info: "/etc"}))
    assert left(tmp_path) == ["a.archive"]


def broken_zip():
    data = bytearray(zipped({"1.tif": CONTENT}))
    data[1000] ^= 255
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<html>no archive</html>", "neither a zip nor a tar archive"),
        (zipped({}), "no files in the archive"),
        (tarred({}), "no files in the archive"),
        (zipped({"a": b"1", "a/b": b"2"}), "cannot be extracted"),
        (tarred({"x": b"1", "./x": b"2"}), "'./x' occurs twice"),
        (broken_zip(), "cannot be extracted"),
        (tarred({"1.tif": CONTENT})[:200_000], "cannot be extracted|neither"),
        (tarred({"1.tif": CONTENT}, "w")[:200_000], "cannot be extracted|neither"),
    ],
    ids=["text", "empty zip", "empty tar", "file and folder", "twice", "broken zip", "cut tar.gz", "cut tar"],
)
def test_broken_archives_leave_nothing(extract, tmp_path, data, message):
    with pytest.raises(InputError, match=f"a.archive: .*({message})"):
        extract(data)
    assert left(tmp_path) == ["a.archive"]


def test_a_failed_extraction_leaves_the_older_folder(extract, tmp_path):
    extract(zipped({"1.tif": b"1"}))
    with pytest.raises(InputError):
        extract(broken_zip())
    assert left(tmp_path / "out") == ["1.tif"]


def test_an_archive_that_outgrows_the_disk(extract, tmp_path, monkeypatch):
    data = bytearray(zipped({"1.tif": b"1"}))
    directory = data.index(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = struct.pack("<I", 2**31)  # the size that the directory claims
    monkeypatch.setattr(disk, "free_space", lambda folder: 10**9)
    with pytest.raises(InputError, match=r"the content of a.archive needs 2.15 GB"):
        extract(bytes(data))
    assert left(tmp_path) == ["a.archive"]
    assert archives.require_free_space is disk.require_free_space


def recording_site(site):
    archive = zipped({"001/f0.tif": CONTENT, "001/f1.tif": b"1"})
    site.files = {"/r/001.zip": archive, "/r/md5sums.txt": f"{hashlib.md5(archive).hexdigest()}  001.zip\n".encode()}
    return archive


def test_a_recording_comes_whole(site, tmp_path):
    recording_site(site)
    site.cuts = [50, 100_000]
    download_archive(f"{site.url}/r/", "001.zip", tmp_path / "images/001", "md5sums.txt", backoff=0.001)
    assert left(tmp_path / "images/001") == ["f0.tif", "f1.tif"]
    assert list((tmp_path / "images/.archives").iterdir()) == []


def test_by_hand_means_a_folder_that_people_see(site, tmp_path):
    with pytest.raises(InputError, match=f"download it by hand and unpack its frames into {tmp_path / 'images/001'}$"):
        download_archive(f"{site.url}/r/", "001.zip", tmp_path / "images/001", backoff=0.001)


def test_an_archive_that_arrived_before_a_kill_is_not_fetched_again(site, tmp_path):
    waiting = tmp_path / "images/.archives/001/001.zip"
    waiting.parent.mkdir(parents=True)
    waiting.write_bytes(recording_site(site))
    download_archive(f"{site.url}/r/", "001.zip", tmp_path / "images/001", "md5sums.txt", backoff=0.001)
    assert [path for path, _ in site.requests] == ["/r/md5sums.txt"]
    assert left(tmp_path / "images/001") == ["f0.tif", "f1.tif"]


def test_an_archive_put_there_by_hand_needs_no_server(tmp_path):
    waiting = tmp_path / "images/.archives/001/001.zip"
    waiting.parent.mkdir(parents=True)
    waiting.write_bytes(zipped({"f0.tif": b"0"}))
    download_archive("http://127.0.0.1:9/r/", "001.zip", tmp_path / "images/001", checksums=None)
    assert left(tmp_path / "images/001") == ["f0.tif"]


def listed(folder, site):
    site.files = {f"/m/f {i}.tif": bytes([i]) * 1000 for i in range(4)}
    sums = folder / "images.sha256"
    sums.write_text("".join(f"{hashlib.sha256(data).hexdigest()}  {Path(name).name}\n" for name, data in site.files.items()))
    return sums


def listed_paths(site):
    return [path.replace("%20", " ") for path, _ in site.requests]


def test_listed_files_from_the_server(site, tmp_path, monkeypatch):
    sums = listed(tmp_path, site)
    files = site.files
    site.files = {path.replace(" ", "%20"): data for path, data in files.items()}
    site.statuses = [200, 200, 404]
    with pytest.raises(InputError, match=r"f%202.tif: the server answered 404 .* into a folder and name it in source.local$"):
        fetch_files(sums, tmp_path / "out", f"{site.url}/m/", backoff=0.001)
    assert not (tmp_path / "out").exists()
    site.requests.clear()
    fetch_files(sums, tmp_path / "out", f"{site.url}/m/", backoff=0.001)
    assert listed_paths(site) == ["/m/f 2.tif", "/m/f 3.tif"]  # the first two were kept
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == {Path(p).name: data for p, data in files.items()}
    assert left(tmp_path) == ["images.sha256", "out"]


def test_listed_files_from_a_folder(site, tmp_path):
    sums = listed(tmp_path, site)
    local = tmp_path / "local"
    local.mkdir()
    (local / "not listed.tif").write_bytes(b"")
    for path, data in site.files.items():
        (local / Path(path).name).write_bytes(data)
    fetch_files(sums, tmp_path / "out", "http://127.0.0.1:9/", local)
    assert left(tmp_path / "out") == ["f 0.tif", "f 1.tif", "f 2.tif", "f 3.tif"]
    (local / "f 2.tif").write_bytes(b"changed")
    with pytest.raises(InputError, match=r"local/f 2.tif: sha256 expected .*, found"):
        fetch_files(sums, tmp_path / "other", "http://127.0.0.1:9/", local)
    (local / "f 2.tif").unlink()
    with pytest.raises(InputError, match=r"local/f 2.tif: no such file"):
        fetch_files(sums, tmp_path / "other", "http://127.0.0.1:9/", local)
    assert not (tmp_path / "other").exists()
    sums.write_text(f"{'a' * 64}  ../evil\n")
    with pytest.raises(InputError, match=r"'../evil' is not a plain file name"):
        fetch_files(sums, tmp_path / "other", "http://127.0.0.1:9/", local)
