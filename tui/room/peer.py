"""Who is at the other end of a Unix socket, as the kernel says."""

from __future__ import annotations

import ctypes
import grp
import os
import pwd
import socket
import struct
import sys

from tui.room.person import Person

_UCRED = struct.Struct("3i")
"""``struct ucred`` of unix(7): pid, uid, gid."""


def peer_ids(connection: socket.socket) -> tuple[int, int]:
    """(uid, gid) of the process that connected. Raises OSError when the kernel cannot say."""
    if sys.platform == "linux":
        _pid, uid, gid = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
        return uid, gid
    else:  # noqa: RET505 - mypy follows sys.platform only through both branches
        found_uid, found_gid = ctypes.c_uint(), ctypes.c_uint()
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.getpeereid(connection.fileno(), ctypes.byref(found_uid), ctypes.byref(found_gid)):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return found_uid.value, found_gid.value


def person(uid: int, gid: int, *, read_only: bool = False) -> Person:
    """The user and all groups of ``uid`` as this machine knows them now. May ask a directory service: call it in a thread."""
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        return Person(uid, str(uid), (), read_only)
    groups = []
    for number in os.getgrouplist(name, gid):
        try:
            groups.append(grp.getgrgid(number).gr_name)
        except KeyError:
            continue  # a number without a name gives no role
    return Person(uid, name, tuple(groups), read_only)
