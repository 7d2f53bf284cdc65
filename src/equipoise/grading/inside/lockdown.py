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
from functools import cache
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
CLONE_NEWCGROUP, CLONE_NEWTIME = 0x02000000, 0x00000080
NAMESPACES = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 2, 4, 8, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_NAME, PR_SET_NO_NEW_PRIVS = 1, 15, 38
PR_SET_SECCOMP, SECCOMP_MODE_FILTER, BYTES_OF_INSTRUCTION = 22, 2, 8
PR_SET_CHILD_SUBREAPER, PR_CAPBSET_DROP, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 36, 24, 47, 4
LAST_CAPABILITY = 63

EPERM, ENOSYS, FEIGNED = 1, 38, 0
# Calls that no lab needs, by what refusing them is for; --explain-sandbox tries each.
REFUSED_CALLS = {
    "no new namespaces or mounts": """
        unshare setns clone3 mount umount umount2 pivot_root chroot fsopen fsmount fsconfig fspick move_mount open_tree
        mount_setattr open_by_handle_at name_to_handle_at""",
    "no looking into other processes": """
        ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd perf_event_open move_pages
        migrate_pages""",
    # Memory of these is no process's, so that no limit counts it; System V's and POSIX's names are the machine's.
    "no programs, memory or messages outside the limits": """
        memfd_create memfd_secret shmget shmat shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl
        mq_open mq_unlink io_setup""",
    "no keys of the kernel's keyring": "keyctl add_key request_key",
    "none of the calls that are known for their holes": """
        io_uring_setup io_uring_enter io_uring_register bpf userfaultfd personality modify_ldt mbind set_mempolicy
        set_mempolicy_home_node fanotify_init quotactl quotactl_fd lookup_dcookie landlock_create_ruleset""",
    "no changes to the machine": """
        kexec_load kexec_file_load init_module finit_module delete_module swapon swapoff reboot sethostname
        setdomainname acct syslog settimeofday clock_settime adjtimex clock_adjtime iopl ioperm mknod mknodat vhangup
        nfsservctl""",
}
# Younger than this list, and so not judged: as if the kernel did not have them. Above 511 are numbers of x32, which
# old kernels take for their own.
YOUNGER_CALLS = range(451, 600)
NO_SUCH_CALL = -1  # what libseccomp says of a name that it does not know; other negative numbers: not on this machine

# Where the grader's files, processes and sockets are in view, and Landlock does not guard them.
CALLS_AMONG_OTHERS = """
    connect bind truncate setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
""".split()  # noqa: SIM905
# Said to be done and not done: copying a file sets its mode and times, and an honest answer may copy a file.
CALLS_FEIGNED = """
    chmod fchmod fchmodat chown fchown lchown fchownat utime utimes utimensat futimesat
""".split()  # noqa: SIM905
# Of one's own process only: for each call, the arguments that say so by their place, and what others get. Threads are
# named like processes, and ZeroMQ gives up if it may not schedule its own, so scheduling is feigned.
CALLS_ON_ONESELF = {
    "prlimit64": ({0: 0}, EPERM),
    "setpriority": ({0: 0, 1: 0}, EPERM),
    "ioprio_set": ({0: 1, 1: 0}, EPERM),
    "sched_setaffinity": ({0: 0}, FEIGNED),
    "sched_setscheduler": ({0: 0}, FEIGNED),
    "sched_setparam": ({0: 0}, FEIGNED),
    "sched_setattr": ({0: 0}, FEIGNED),
}
SIGNALS = "tkill tgkill pidfd_send_signal rt_sigqueueinfo rt_tgsigqueueinfo".split()  # noqa: SIM905
F_SETOWN, F_SETSIG, F_SETOWN_EX, FIOSETOWN, SIOCSPGRP = 8, 10, 15, 0x8901, 0x8902  # signals by way of a file
IOCTLS_OF_FILES = (0x66, 0x58, 0x76, 0x94)  # the families that set attributes, seal or clone: f, X, v, Btrfs

TIOCSTI, TIOCLINUX = 0x5412, 0x541C  # type into a terminal
AF_UNIX, SOCK_DGRAM, SOCK_RAW, SOCK_TYPE = 1, 2, 3, 0xF
O_ACCMODE, O_TRUNC = 0o3, 0o1000
MAP_SHARED_ANONYMOUS = 0x21
INT = 0xFFFFFFFF  # the kernel reads no more of an argument that is an int, so neither may a comparison
SCMP_ACT_ALLOW, SCMP_ACT_ERRNO, SCMP_CMP_NE, SCMP_CMP_MASKED_EQ = 0x7FFF0000, 0x00050000, 1, 7
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
ACCESS_EXECUTE, ACCESS_WRITE, ACCESS_READ, ACCESS_READ_DIR = 1, 2, 4, 8
FILE_RIGHTS = ACCESS_EXECUTE | ACCESS_WRITE | ACCESS_READ | 1 << 14 | 1 << 15  # truncate, ioctl of devices
READ_RIGHTS = ACCESS_EXECUTE | ACCESS_READ | ACCESS_READ_DIR
RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15}  # the number of file rights that a version of Landlock knows; later: 16
TCP_RIGHTS, SCOPES = 3, 3  # bind and connect; abstract sockets and signals
FIRST_WITH_SCOPES = 6  # the version of Landlock


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

    ``alone``: whether namespaces keep the grader's files, processes and sockets out of view. Made once and applied in
    many forks. Raises LockdownError if libseccomp is missing or too old, or the kernel refuses.
    """

    def __init__(self, alone: bool) -> None:
        self.seccomp = _seccomp()
        self.context = self.seccomp.seccomp_init(SCMP_ACT_ALLOW)
        self._refuse_everywhere()
        if not alone:
            self._refuse_among_others()
            if landlock_version() < FIRST_WITH_SCOPES:
                self._refuse_signals()
        self.program = self._compiled()

    def apply(self) -> None:
        call("prctl", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(self.program), 0, 0)

    def _compiled(self) -> _Program:
        """The filter as the kernel takes it: to compile it takes longer than to apply it."""
        with open(os.memfd_create("filter"), "w+b") as file:
            if error := self.seccomp.seccomp_export_bpf(self.context, file.fileno()):
                raise LockdownError(-error, f"seccomp: {os.strerror(-error)}")
            file.seek(0)
            code = file.read()
        return _Program(len(code) // BYTES_OF_INSTRUCTION, code)

    def _refuse_everywhere(self) -> None:
        for name in " ".join(REFUSED_CALLS.values()).split():
            self._refuse(name, ENOSYS if name == "clone3" else EPERM)  # its flags lie in memory; libraries fall back
        for number in YOUNGER_CALLS:
            self._rule(number, ENOSYS)
        spaces = NAMESPACES | CLONE_NEWUSER | CLONE_NEWCGROUP | CLONE_NEWTIME
        for space in (1 << bit for bit in range(32) if spaces >> bit & 1):
            self._refuse("clone", EPERM, masked(0, space, space))
        for name in ("socket", "socketpair"):
            self._refuse(name, EPERM, differs(0, AF_UNIX))
        for order in (TIOCSTI, TIOCLINUX):
            self._refuse("ioctl", EPERM, masked(1, INT, order))
        self._refuse("mmap", EPERM, masked(3, MAP_SHARED_ANONYMOUS, MAP_SHARED_ANONYMOUS))  # counted by no limit

    def _refuse_among_others(self) -> None:
        for name in CALLS_AMONG_OTHERS:
            self._refuse(name, EPERM)
        for name in CALLS_FEIGNED:
            self._refuse(name, FEIGNED)
        for name, (own, error) in CALLS_ON_ONESELF.items():
            for place, value in own.items():
                self._refuse(name, error, differs(place, value))
        for name in ("socket", "socketpair"):
            for kind in (SOCK_DGRAM, SOCK_RAW):  # which send to an address without connecting to it
                self._refuse(name, EPERM, masked(1, SOCK_TYPE, kind))
        self._refuse("openat2", ENOSYS)  # its flags lie in memory
        for name, place in (("open", 1), ("openat", 2)):
            self._refuse(name, EPERM, masked(place, O_ACCMODE | O_TRUNC, O_TRUNC))  # empties what is only to be read
            self._refuse(name, EPERM, masked(place, O_ACCMODE, O_ACCMODE))  # asks Landlock for nothing
        for family in IOCTLS_OF_FILES:
            self._refuse("ioctl", EPERM, masked(1, 0xFF00, family << 8))

    def _refuse_signals(self) -> None:
        """All but those to the own process group: Landlock cannot yet tell whose process it is."""
        self._refuse("kill", EPERM, differs(0, 0))
        for name in SIGNALS:
            self._refuse(name, EPERM)
        for order in (F_SETOWN, F_SETSIG, F_SETOWN_EX):
            self._refuse("fcntl", EPERM, masked(1, INT, order))
        for order in (FIOSETOWN, SIOCSPGRP):
            self._refuse("ioctl", EPERM, masked(1, INT, order))

    def _refuse(self, name: str, error: int, *when: _Comparison) -> None:
        number = call_number(name)
        if number >= 0:  # else this architecture does not have the call
            self._rule(number, error, *when)

    def _rule(self, number: int, error: int, *when: _Comparison) -> None:
        conditions = (_Comparison * len(when))(*when)
        action = SCMP_ACT_ERRNO | error
        if failed := self.seccomp.seccomp_rule_add_array(self.context, action, number, len(when), conditions):
            raise LockdownError(-failed, f"seccomp rule for call {number}: {os.strerror(-failed)}")


def call_number(name: str) -> int:
    """The number of a system call; negative if this architecture has none of this name. Raises LockdownError."""
    number = _seccomp().seccomp_syscall_resolve_name(name.encode())
    if number == NO_SUCH_CALL:
        raise LockdownError(ENOSYS, f"libseccomp does not know {name}: update the Debian package libseccomp2")
    return number


class _Comparison(ctypes.Structure):
    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def masked(place: int, mask: int, value: int) -> _Comparison:
    """True of a call if the masked bits of this argument are ``value``."""
    return _Comparison(place, SCMP_CMP_MASKED_EQ, mask, value)


def differs(place: int, value: int) -> _Comparison:
    """True of a call if this argument is not ``value``."""
    return _Comparison(place, SCMP_CMP_NE, value, 0)


@cache
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
    library.seccomp_export_bpf.argtypes = (ctypes.c_void_p, ctypes.c_int)
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
    attributes = struct.pack(
        "QQQ", rights, TCP_RIGHTS if version >= 4 else 0, SCOPES if version >= FIRST_WITH_SCOPES else 0
    )
    size = 24 if version >= FIRST_WITH_SCOPES else 16 if version >= 4 else 8
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
