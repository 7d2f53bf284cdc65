"""What a process gives up before it runs a student's code, and cannot get back.

Everything here is a call to the kernel, made by the process itself between its birth and the first line that is not
ours. It uses the standard library alone, because it also runs where the engine's other modules are hidden.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
from collections.abc import Iterable
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
CLONE_NEWCGROUP, CLONE_NEWTIME = 0x02000000, 0x00000080
NAMESPACES = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 2, 4, 8, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_NAME, PR_SET_NO_NEW_PRIVS = 1, 15, 38
PR_SET_CHILD_SUBREAPER, PR_CAPBSET_DROP, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 36, 24, 47, 4
LAST_CAPABILITY = 63

# Calls that no lab needs: they leave the sandbox, look into other processes, or have a record of holes.
REFUSED_CALLS = """
    unshare setns mount umount2 pivot_root chroot fsopen fsmount fsconfig fspick move_mount open_tree mount_setattr
    ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd bpf perf_event_open userfaultfd
    io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key memfd_create memfd_secret kexec_load
    kexec_file_load init_module finit_module delete_module open_by_handle_at name_to_handle_at swapon swapoff reboot
    sethostname setdomainname acct quotactl quotactl_fd syslog settimeofday clock_settime adjtimex clock_adjtime
    iopl ioperm mknod mknodat modify_ldt fanotify_init lookup_dcookie vhangup nfsservctl landlock_create_ruleset
""".split()  # noqa: SIM905
TIOCSTI = 0x5412
AF_UNIX = 1
SCMP_ACT_ALLOW, SCMP_ACT_ERRNO, SCMP_CMP_NE, SCMP_CMP_EQ, SCMP_CMP_MASKED_EQ = 0x7FFF0000, 0x00050000, 1, 4, 7
EPERM, ENOSYS = 1, 38

LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
ACCESS_EXECUTE, ACCESS_WRITE, ACCESS_READ, ACCESS_READ_DIR = 1, 2, 4, 8
FILE_RIGHTS = ACCESS_EXECUTE | ACCESS_WRITE | ACCESS_READ | 1 << 14 | 1 << 15  # truncate, ioctl of devices
READ_RIGHTS = ACCESS_EXECUTE | ACCESS_READ | ACCESS_READ_DIR
RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15}  # the number of file rights that a version of Landlock knows; later: 16
TCP_RIGHTS, SCOPES = 3, 3  # bind and connect; abstract sockets and signals


class LockdownError(OSError):
    """A step of the lockdown was refused by the kernel; nothing may run."""


def call(name: str, *arguments: object) -> int:
    """Call libc's function ``name``. Raises LockdownError with its errno."""
    result = getattr(LIBC, name)(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise LockdownError(number, f"{name}: {os.strerror(number)}")
    return result


def mount(kind: str, place: str, flags: int = MS_NOSUID | MS_NODEV, options: str = "") -> None:
    call("mount", kind.encode(), place.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode() or None)


def be_private() -> None:
    """Keep what is mounted from now on from the namespace that this one was copied from."""
    call("mount", b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None)


def be_called(name: str) -> None:
    """What `ps` and `top` show; at most 15 bytes."""
    call("prctl", PR_SET_NAME, name.encode(), 0, 0, 0)


def die_with_parent() -> None:
    call("prctl", PR_SET_PDEATHSIG, 9, 0, 0, 0)


def become(uid: int) -> None:
    """Become a user who owns nothing, or, where there is only one user, that user in a namespace of its own.

    Either way the limit on processes counts those of this kernel alone.
    """
    if owns_several_users():
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        return
    me, group = os.getuid(), os.getgid()
    call("unshare", CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {me} 1")
    Path("/proc/self/gid_map").write_text(f"{uid} {group} 1")


def owns_several_users() -> bool:
    """Whether this is a root that can become somebody else; in an ordinary user's namespace there is nobody else."""
    first, *_ = Path("/proc/self/uid_map").read_text().split("\n")
    return os.getuid() == 0 and int(first.split()[2]) > 1


def drop_capabilities() -> None:
    """Give up every capability, also of programs that are started later."""
    for capability in range(LAST_CAPABILITY + 1):
        LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # refused beyond the last that this kernel knows
    LIBC.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = ctypes.create_string_buffer(struct.pack("Ii", 0x20080522, 0))
    call("capset", header, ctypes.create_string_buffer(24))
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def limit(what: int, value: int) -> None:
    """Lower a resource limit for good; a lower one that is already there stays."""
    _, hard = resource.getrlimit(what)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(what, (value, value))


class CallFilter:
    """Refuses dangerous system calls in the process that applies it and all that it starts, with libseccomp.

    Made once and applied in many forks. Raises LockdownError if libseccomp is missing or the kernel refuses.
    """

    def __init__(self) -> None:
        self.seccomp = _seccomp()
        self.context = self.seccomp.seccomp_init(SCMP_ACT_ALLOW)
        for name in REFUSED_CALLS:
            self._refuse(name, EPERM)
        self._refuse("clone3", ENOSYS)  # its flags lie in memory; libraries fall back to clone
        spaces = NAMESPACES | CLONE_NEWUSER | CLONE_NEWCGROUP | CLONE_NEWTIME
        for space in (1 << bit for bit in range(32) if spaces >> bit & 1):
            self._refuse("clone", EPERM, (0, SCMP_CMP_MASKED_EQ, space, space))
        for name in ("socket", "socketpair"):
            self._refuse(name, EPERM, (0, SCMP_CMP_NE, AF_UNIX, 0))
        self._refuse("ioctl", EPERM, (1, SCMP_CMP_EQ, TIOCSTI, 0))

    def apply(self) -> None:
        if error := self.seccomp.seccomp_load(self.context):
            raise LockdownError(-error, f"seccomp: {os.strerror(-error)}")

    def _refuse(self, name: str, error: int, *when: tuple[int, int, int, int]) -> None:
        number = self.seccomp.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return  # this architecture does not have the call
        conditions = (_Comparison * len(when))(*(_Comparison(*condition) for condition in when))
        action = SCMP_ACT_ERRNO | error
        if failed := self.seccomp.seccomp_rule_add_array(self.context, action, number, len(when), conditions):
            raise LockdownError(-failed, f"seccomp rule for {name}: {os.strerror(-failed)}")


class _Comparison(ctypes.Structure):
    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def _seccomp() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        raise LockdownError(ENOSYS, "libseccomp.so.2 is missing: install the Debian package libseccomp2") from None
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_rule_add_array.argtypes = (
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.POINTER(_Comparison),
    )
    library.seccomp_load.argtypes = (ctypes.c_void_p,)
    return library


def landlock_version() -> int:
    """The version of Landlock that the kernel has, 0 if none."""
    if platform.machine() not in ("x86_64", "aarch64"):
        return 0
    return max(0, LIBC.syscall(LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1))


def restrict_paths(readable: Iterable[str], writable: Iterable[str]) -> None:
    """Leave only these files and folders in reach, with Landlock; missing ones are passed over.

    Raises LockdownError if the kernel has no Landlock.
    """
    version = landlock_version()
    if not version:
        raise LockdownError(ENOSYS, "the kernel has no Landlock")
    rights = (1 << RIGHTS_BY_ABI.get(version, 16)) - 1
    attributes = struct.pack("QQQ", rights, TCP_RIGHTS if version >= 4 else 0, SCOPES if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = call("syscall", LANDLOCK_CREATE, attributes, ctypes.c_size_t(size), 0)
    try:
        for path in readable:
            _allow(rules, path, READ_RIGHTS & rights)
        for path in writable:
            _allow(rules, path, rights)
        call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        call("syscall", LANDLOCK_RESTRICT, rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= FILE_RIGHTS
        call("syscall", LANDLOCK_ADD, rules, 1, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)
