"""Windows: a job object that bounds memory and processes and ends them all at once, and a process without rights.

Written after Microsoft's reference (JOBOBJECT_EXTENDED_LIMIT_INFORMATION, CreateRestrictedToken, mandatory integrity
control) and tried on no Windows machine yet: `engine.zoo.sandbox.means` says so wherever it is used. A job bounds
neither the network nor what files may be read.
"""

from __future__ import annotations

import ctypes
from typing import Any

CREATE_SUSPENDED, CREATE_NO_WINDOW = 0x4, 0x08000000
EXTENDED_LIMITS = 9
ACTIVE_PROCESS, PROCESS_MEMORY, JOB_MEMORY, DIE_ON_EXCEPTION, KILL_ON_CLOSE = 0x8, 0x100, 0x200, 0x400, 0x2000
TOKEN_ALL = 0xF01FF
DISABLE_MAX_PRIVILEGE = 0x1
INTEGRITY_LEVEL, GROUP_INTEGRITY = 25, 0x20
LOW = "S-1-16-4096"


class _Basic(ctypes.Structure):
    _fields_ = (
        ("process_time", ctypes.c_int64),
        ("job_time", ctypes.c_int64),
        ("flags", ctypes.c_uint32),
        ("least_working_set", ctypes.c_size_t),
        ("most_working_set", ctypes.c_size_t),
        ("processes", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priority", ctypes.c_uint32),
        ("scheduling", ctypes.c_uint32),
    )


class _Extended(ctypes.Structure):
    _fields_ = (
        ("basic", _Basic),
        ("io", ctypes.c_uint64 * 6),
        ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t),
        ("peak_process_memory", ctypes.c_size_t),
        ("peak_job_memory", ctypes.c_size_t),
    )


class _Sid(ctypes.Structure):
    _fields_ = (("sid", ctypes.c_void_p), ("attributes", ctypes.c_uint32))


def _library(name: str) -> Any:
    library: Any = ctypes.WinDLL(name, use_last_error=True)  # type: ignore[attr-defined]
    return library


class Job:
    """A job that ends all its processes when it is closed, or when the process that holds it ends.

    Raises:
        OSError: Windows makes none.
    """

    def __init__(self, memory_bytes: int, processes: int) -> None:
        self._kernel = _library("kernel32")
        self._kernel.CreateJobObjectW.restype = ctypes.c_void_p
        self._handle = ctypes.c_void_p(self._kernel.CreateJobObjectW(None, None))
        limits = _Extended()
        limits.basic.flags = ACTIVE_PROCESS | PROCESS_MEMORY | JOB_MEMORY | DIE_ON_EXCEPTION | KILL_ON_CLOSE
        limits.basic.processes = processes
        limits.process_memory = limits.job_memory = memory_bytes
        _true(
            self._kernel.SetInformationJobObject(
                self._handle, EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits)
            )
        )

    def take(self, process: int) -> None:
        """Put a process that was started suspended under the job, and let it run."""
        handle = ctypes.c_void_p(process)
        _true(self._kernel.AssignProcessToJobObject(self._handle, handle))
        if _library("ntdll").NtResumeProcess(handle):
            raise OSError("the process cannot be resumed")

    def close(self) -> None:
        """End all processes of the job."""
        self._kernel.TerminateJobObject(self._handle, 1)
        self._kernel.CloseHandle(self._handle)


def give_up_rights() -> None:
    """Lower this process to low integrity and take its privileges: it may write to no file of the user's any more.

    The process impersonates a restricted copy of its token in its only thread, and lowers its own integrity, which is
    what programs that it starts inherit.

    Raises:
        OSError: Windows refuses.
    """
    kernel, security = _library("kernel32"), _library("advapi32")
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    token, restricted, sid = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    process = ctypes.c_void_p(kernel.GetCurrentProcess())
    _true(security.OpenProcessToken(process, TOKEN_ALL, ctypes.byref(token)))
    _true(security.ConvertStringSidToSidW(LOW, ctypes.byref(sid)))
    label = _Sid(sid, GROUP_INTEGRITY)
    size = ctypes.sizeof(label) + security.GetLengthSid(sid)
    _true(security.SetTokenInformation(token, INTEGRITY_LEVEL, ctypes.byref(label), size))
    _true(
        security.CreateRestrictedToken(
            token, DISABLE_MAX_PRIVILEGE, 0, None, 0, None, 0, None, ctypes.byref(restricted)
        )
    )
    _true(security.ImpersonateLoggedOnUser(restricted))


def _true(answer: int) -> None:
    if not answer:
        last: Any = getattr(ctypes, "get_last_error", int)
        raise OSError(last(), "Windows refused")
