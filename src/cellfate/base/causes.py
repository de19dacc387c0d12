"""What made a step fail that is no fault of its input: the disk, memory, rights, the file system. In words, with what to do."""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cellfate.base.disk import human_size
from cellfate.base.errors import InputError

LOCK = "unable to lock file"  # of HDF5
CAUSE = "Cause: "  # begins the line in a job's log, which the table of failures finds
FULL = 10_000_000  # bytes: with fewer on it a disk is full for most of what is written here
AGAIN = "then run the same command again: what is finished is kept"
NO_LOCKS = (
    "the file cannot be locked: another program has it open, or the disk's file system has no locks; for the latter set "
    "HDF5_USE_FILE_LOCKING=FALSE in the environment of the run"
)
HDF5_ERRNO = re.compile(r"errno = (\d+)")
MEMORY = re.compile(r"out of memory|can't allocate memory|cannot allocate memory|unable to allocate|bad_alloc", re.IGNORECASE)
GPU = re.compile(r"\b(CUDA|HIP|MPS)\b")


def cause_of(error: BaseException) -> str | None:
    """The cause of an error in one line that names the file, if it or an error that it came of says one; None: it does not."""
    for one in chain(error):
        for look in (_of_system, _of_memory):
            if found := look(one):
                return found
    return None


def likely_cause(error: BaseException) -> str | None:
    """The same, and of an error that says none, as those of archives do, that a disk is full, if one is."""
    return cause_of(error) or (full_disk() if isinstance(error, OSError | RuntimeError) else None)


def in_words(error: Exception, source: object, problem: str | None = None) -> str:
    """An error met in reading as a line for a person: an InputError as it is, the machine's faults by their cause, any other, which a
    damaged file may cause, with the file's name and the ``problem`` (None: that it is probably damaged)."""
    if isinstance(error, InputError):
        return str(error)
    if cause := cause_of(error):
        return cause if cause.startswith(f"{source}: ") else f"{source}: {cause}"
    text = " ".join(str(error).split())
    if problem is not None:
        return f"{source}: {problem}: {text}"
    return f"{source}: cannot be read, the file is probably damaged ({type(error).__name__}: {text})"


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error, what it came of, and those of a group."""
    seen, waiting = set(), [error]
    while waiting:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [*getattr(one, "exceptions", ()), one.__cause__, one.__context__]


def _of_system(error: BaseException) -> str | None:
    if not isinstance(error, OSError | RuntimeError):
        return None
    text = " ".join(str(error).split())
    number = getattr(error, "errno", None) or next((int(found) for found in HDF5_ERRNO.findall(text)), None)
    if LOCK in text:
        number = errno.ENOLCK
    words = WORDS.get(number)
    if words is None:
        return None
    name = getattr(error, "filename", None) or _named_in(text)
    return f"{f'{name}: ' if name else ''}{words(str(name) if name else None)}"


def _named_in(text: str) -> str | None:
    """The file in a message of HDF5."""
    found = re.search(r"(?:filename|name) = '([^']+)'", text)
    return found[1] if found else None


def _disk_full(name: str | None) -> str:
    return f"the disk is full{_left_at(name)}. Free some space on it, {AGAIN}"


def _left_at(name: str | None) -> str:
    places = [Path(name).absolute(), *Path(name).absolute().parents] if name else [Path.cwd()]
    place = next((one for one in places if one.is_dir()), None)
    return "" if place is None else f" ({human_size(shutil.disk_usage(place).free)} left on the disk of {_shown(place)})"


def _shown(place: Path) -> str:
    if place == Path.cwd():
        return "the working folder"
    return os.path.relpath(place) if place.is_relative_to(Path.cwd()) else str(place)


def no_right(name: str | None) -> str:
    """That a file or folder may not be read or written, whose it is, and what to do."""
    return f"no right to do this{_owner(name)}. Ask its owner, or use a folder of your own, {AGAIN}"


def _owner(name: str | None) -> str:
    """Whose the file is, or the nearest folder above it that is there, where it is not ours."""
    if not name:
        return ""
    place = next((one for one in (Path(name).absolute(), *Path(name).absolute().parents) if os.access(one, os.F_OK)), None)
    if place is None or place.stat().st_uid == os.geteuid():
        return ""
    return f": {_shown(place)} belongs to {user_name(place.stat().st_uid)}, and this runs as {user_name(os.geteuid())}"


def user_name(number: int) -> str:
    """The name of a user; in containers numbers may have none."""
    import pwd  # Windows has none

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


WORDS: dict[int | None, Callable[[str | None], str]] = {
    errno.ENOSPC: _disk_full,
    errno.EDQUOT: lambda name: f"your quota on this disk is used up. Free some space, or ask for more, {AGAIN}",
    errno.EFBIG: lambda name: f"the file is larger than this disk or your limits allow (ulimit -f). Use another disk, {AGAIN}",
    errno.EACCES: no_right,
    errno.EPERM: no_right,
    errno.EROFS: lambda name: f"the disk is mounted read-only. Use another folder, {AGAIN}",
    errno.ENOLCK: lambda name: NO_LOCKS,
    errno.EIO: lambda name: f"the disk, or the network to it, reported an error (input/output error). Have it looked at, {AGAIN}",
    errno.ESTALE: lambda name: f"the network file system lost the file (stale handle). {AGAIN[5:].capitalize()}",
    errno.EMFILE: lambda name: "too many files are open in this process (ulimit -n). Allow more, or use fewer workers",
    errno.ENFILE: lambda name: "too many files are open on this machine. Use fewer jobs side by side",
    errno.ENOMEM: lambda name: _no_memory(""),
}


def _of_memory(error: BaseException) -> str | None:
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return _no_memory(text)
    if isinstance(error, RuntimeError) and MEMORY.search(text):
        if GPU.search(text):
            return f"not enough memory on the GPU. Use a smaller batch, or a GPU that nobody else uses ({text[:200]})"
        return _no_memory(text)
    return None


def _no_memory(text: str) -> str:
    more = f" ({text[:200]})" if text else ""
    return f"not enough memory. Run fewer jobs side by side (--cores), or one with more memory (--default-resources, --set-resources){more}"


def full_disk(places: Sequence[Path] | None = None) -> str | None:
    """Which disk is full among those of ``places``, by default the working folder, its results and temporary files; None: none is."""
    for place in places or (Path("results"), Path("logs"), Path(), Path(tempfile.gettempdir())):
        if place.is_dir() and (free := shutil.disk_usage(place).free) < FULL:
            return f"the disk of {_shown(place.absolute())} is full ({human_size(free)} left). Free some space on it, {AGAIN}"
    return None


def counted(n: int, what: str) -> str:
    """So many of something in words, such as 1 cell and 2 cells; ``what`` is the singular, with a plural in s."""
    return f"{n} {what}{'s' * (n != 1)}"
