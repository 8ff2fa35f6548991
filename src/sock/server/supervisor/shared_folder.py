"""The folder in which the workers of one server have files, such as sockets to each other.

A supervisor removes its folder at its end, but not when it is killed. So it holds a lock on the
folder, which the kernel gives back however the process ends, and each supervisor that starts
removes the folders of this user that nobody holds a lock on.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

_PREFIX: Final = "sock-workers-"


@contextlib.contextmanager
def shared_folder() -> Generator[Path]:
    """Make a folder that is this user's alone, hold it, and remove it at the end.

    Raises:
        OSError: it cannot be made.
    """
    _remove_left()
    with contextlib.ExitStack() as closing:
        while True:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
            lock = _lock(folder)
            if lock is not None:
                break
            # Another one that starts has found it without a lock, and removes it.
        closing.callback(os.close, lock)
        closing.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


def _remove_left() -> None:
    """Remove the folders that supervisors have left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        lock = _lock(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _lock(folder: Path) -> int | None:
    """Hold a folder until the descriptor is closed; None if it is not ours, or held, or gone."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        opened = os.fstat(descriptor)
        if opened.st_uid == os.geteuid() and os.path.samestat(opened, folder.lstat()):
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None
