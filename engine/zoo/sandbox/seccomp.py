"""A filter of system calls: what no model needs is refused by the kernel, whatever code the model brings.

The program is classic BPF over `struct seccomp_data` (Linux' Documentation/userspace-api/seccomp_filter.rst); the
numbers are those of the kernel's tables for x86-64 and arm64. A call of a foreign architecture ends the process: its
numbers mean other things.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

X86, ARM = "x86_64", "aarch64"
AUDIT_ARCH = {X86: 0xC000003E, ARM: 0xC00000B7}
SECCOMP_CALL = {X86: 317, ARM: 277}
SET_MODE_FILTER, FLAG_TSYNC = 1, 1
PR_SET_NO_NEW_PRIVS = 38

LOAD, JUMP_EQUAL, JUMP_ANY_BIT, JUMP_NOT_BELOW, RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
X32 = 0x40000000
"""Numbers from here on are x32's, a second door to the same calls."""

CLONE_NEW = 0x7E020000
"""Flags of clone(2) that make namespaces: user, mount, pid, network, ipc, uts, cgroup."""
CLONE_THREAD = 0x00010000
TIOCSTI, TIOCLINUX = 0x5412, 0x541C

# (x86-64, arm64); None where the architecture has no such call.
REACHING_OUT = {
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "memfd_secret": (447, 447),
    "memfd_create": (319, 279),
}
KERNEL = {
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "fanotify_init": (300, 262),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "syslog": (103, 116),
    "personality": (135, 92),
    "vhangup": (153, 58),
    "lookup_dcookie": (212, 18),
}
MARKING_FILES = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "setxattrat": (463, 463),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
}
"""What Landlock does not handle: modes, owners, times and attributes of files that only their names are known of."""
FORKS: dict[str, tuple[int, int | None]] = {"fork": (57, None), "vfork": (58, None)}
PROGRAMS = {"execve": (59, 221), "execveat": (322, 281)}
NOT_THERE = {
    "clone3": (435, 435),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
}
"""Answered as if the kernel were older: libraries then take the calls whose arguments a filter can read."""
CLONE, IOCTL, PRLIMIT = (56, 220), (16, 29), (302, 261)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def architecture() -> str:
    """The processor's name when there is a filter for it and this is Linux, else empty."""
    machine = platform.machine()
    return machine if os.uname().sysname == "Linux" and machine in AUDIT_ARCH else ""


def refusing(machine: str, *, marking_files: bool, forks: bool, programs: bool) -> bytes:
    """The filter's program.

    Args:
        machine: `X86` or `ARM`.
        marking_files: whether modes, owners and times of files may be changed.
        forks: whether processes may be started; threads always may.
        programs: whether a process may become another program.
    """
    column = 0 if machine == X86 else 1
    refused = REACHING_OUT | KERNEL | ({} if marking_files else MARKING_FILES)
    refused |= ({} if forks else FORKS) | ({} if programs else PROGRAMS)
    program = [
        _step(LOAD, 4),
        _step(JUMP_EQUAL, AUDIT_ARCH[machine], 1, 0),
        _step(RETURN, KILL),
        _step(LOAD, 0),
    ]
    if machine == X86:
        program += [_step(JUMP_NOT_BELOW, X32, 0, 1), _step(RETURN, KILL)]
    for numbers, code in ((refused, errno.EPERM), (NOT_THERE, errno.ENOSYS)):
        for pair in numbers.values():
            if pair[column] is not None:
                program += [_step(JUMP_EQUAL, pair[column] or 0, 0, 1), _step(RETURN, REFUSE | code)]
    program += _argument_rules(column, forks)
    return b"".join([*program, _step(RETURN, ALLOW)])


def _argument_rules(column: int, forks: bool) -> list[bytes]:
    """Calls that are refused for some of their arguments alone; the number is loaded anew behind each."""
    refuse = _step(RETURN, REFUSE | errno.EPERM)
    flags = [_step(LOAD, 16), _step(JUMP_ANY_BIT, CLONE_NEW, 0, 1), refuse]
    if not forks:
        flags += [_step(JUMP_ANY_BIT, CLONE_THREAD, 1, 0), refuse]
    typing = [_step(LOAD, 24), _step(JUMP_EQUAL, TIOCSTI, 1, 0), _step(JUMP_EQUAL, TIOCLINUX, 0, 1), refuse]
    others = [_step(LOAD, 16), _step(JUMP_EQUAL, 0, 1, 0), refuse]
    rules: list[bytes] = []
    for call, body in ((CLONE, flags), (IOCTL, typing), (PRLIMIT, others)):
        rules += [_step(JUMP_EQUAL, call[column], 0, len(body) + 1), *body, _step(LOAD, 0)]
    return rules


def _step(code: int, k: int, when: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("HBBI", code, when, otherwise, k)


def install(*, marking_files: bool, forks: bool, programs: bool) -> None:
    """Filter the calls of this process, all its threads, and all that comes from it; there is no way back.

    Raises:
        OSError: the kernel takes no filter, or there is none for this processor.
    """
    machine = architecture()
    if not machine:
        raise OSError(errno.ENOSYS, "no filter for this processor")
    libc = ctypes.CDLL(None, use_errno=True)
    program = refusing(machine, marking_files=marking_files, forks=forks, programs=programs)
    held = ctypes.create_string_buffer(program, len(program))
    described = _Program(len(program) // 8, ctypes.addressof(held))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")
    # A thread that cannot be brought under the filter is told by its number, which is no error code.
    if libc.syscall(SECCOMP_CALL[machine], SET_MODE_FILTER, FLAG_TSYNC, ctypes.byref(described)):
        raise OSError(ctypes.get_errno() or errno.EAGAIN, "seccomp")
