"""The sandboxes keep what they promise on this machine, or say why they cannot be built."""

import json
import os
import socket
import subprocess
import sys
from textwrap import dedent

import pytest

from equipoise.grading import explain, kernels, sandbox
from equipoise.grading.execute import Engine
from equipoise.grading.sandbox import Limits, Nursery, Sandbox, SandboxError, connect, launch


@pytest.mark.parametrize("kind", Sandbox)
def test_everything_that_is_tried_is_refused(kind):
    probes = explain.explain(kind)
    assert [probe.what for probe in probes if not probe.enforced] == []
    assert len(probes) == len(explain.ATTEMPTS)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_each_attempt_would_succeed_where_nothing_is_enforced(tmp_path, monkeypatch):
    """An attempt that fails by itself would prove nothing."""
    monkeypatch.chdir(tmp_path)
    harmless = [
        "no network connection to this machine",
        "no abstract socket of another process",
        "no socket of another process by its path",
        "no message to a socket of another process",
        "no file of the grader's in view",
        "mode and times of the grader's files stay",
        "attributes of the grader's files stay",
        "no file of the grader's can be emptied",
        "attributes of the libraries' files stay",
        "no variable of the grader's environment",
        "no files of other processes in view",
        "no signal to other processes",
        "limits and priority of other processes stay",
        "no kernel without these limits can be asked for",
        "the engine, the course and its solutions are not there",
        "no looking into other processes",
        "no programs, memory or messages outside the limits",
        "none of the calls that are known for their holes",
        "no typing into a terminal",
        "memory is limited",
        "memory that processes share is limited",
        "memory of a device is limited",
        "the size of a file is limited",
    ]
    with explain.bait() as things, Nursery(Sandbox.LANDLOCK) as nursery:
        for what in harmless:
            exec(explain.filled(what, things | {"nursery": nursery.address}), {})


def test_an_attempt_that_could_not_be_made_does_not_count_as_enforced(monkeypatch):
    monkeypatch.setattr(explain, "ATTEMPTS", {"misspelt": "unshaer()", "allowed": "print('done')"})
    probes = explain.explain(Sandbox.LANDLOCK)
    assert [probe.enforced for probe in probes] == [False, False]
    assert probes[0].said.startswith("could not be tried: NameError")
    assert probes[1].said == "it was possible: done"


def run_filtered(program: str, *arguments: str) -> str:
    """What a program says under the filter of the weaker sandbox alone, without Landlock or with an old one."""
    begin = (
        "import os, sys; import lockdown; lockdown.landlock_version = lambda: 1; calls = lockdown.CallFilter(False)\n"
    )
    begin += "lockdown.call('prctl', lockdown.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); calls.apply()\n"
    environment = {**os.environ, "PYTHONPATH": str(sandbox.INSIDE)}
    command = [sys.executable, "-c", begin + dedent(program), *arguments]
    return subprocess.run(command, env=environment, text=True, stdout=subprocess.PIPE, check=True).stdout.strip()


def test_an_old_landlock_is_completed_by_the_filter(tmp_path):
    """Of opening and signals an old Landlock sees too little; here there is none at all."""
    kept = tmp_path / "kept"
    kept.write_text("kept")
    program = """
        import fcntl, signal
        grader, kept = os.getppid(), sys.argv[1]
        attempts = [
            lambda: os.truncate(kept, 0),
            lambda: os.open(kept, os.O_RDONLY | os.O_TRUNC),
            lambda: os.open(kept, os.O_RDWR | os.O_WRONLY),
            lambda: os.kill(grader, 0),
            lambda: signal.pidfd_send_signal(os.pidfd_open(grader), 0),
            lambda: fcntl.fcntl(0, fcntl.F_SETOWN, grader),
        ]
        for attempt in attempts:
            try:
                print(attempt())
            except PermissionError:
                pass
        os.kill(0, 0)  # the own process group
        """
    assert run_filtered(program, str(kept)) == ""
    assert kept.read_text() == "kept"


def test_copying_a_file_is_no_attack(tmp_path):
    (tmp_path / "a").write_text("a")
    program = "import shutil; print(shutil.copy2(sys.argv[1], sys.argv[2]), open(sys.argv[2]).read())"
    assert run_filtered(program, str(tmp_path / "a"), str(tmp_path / "b")) == f"{tmp_path}/b a"


def test_python_may_be_started_by_a_path_that_goes_up(tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    program = "from equipoise.grading.sandbox import Nursery\nwith Nursery(): print('built')"
    python = os.path.relpath(sys.executable, folder)
    assert python.startswith("..")
    run = subprocess.run([python, "-c", program], cwd=folder, text=True, capture_output=True, check=False)
    assert run.stdout == "built\n", run.stderr


def test_without_bubblewrap_nothing_starts_and_the_repair_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SandboxError, match="apt-get install bubblewrap"), Nursery():
        pass


def test_a_sandbox_that_fails_gives_its_reason(monkeypatch):
    monkeypatch.setattr(sandbox, "SYSTEM", ())  # as if the system's libraries were elsewhere
    with pytest.raises(SandboxError, match=r"cannot be built here: .+ Nothing was marked"), Nursery():
        pass


def test_a_nursery_that_is_gone_is_an_error_not_a_kernel_outside():
    nursery = Nursery(modules=("IPython",))
    with nursery:
        address = nursery.address
    with pytest.raises(SandboxError, match="gone"):
        launch(address, {"role": "student"}, {}, {})
    with pytest.raises(SandboxError, match="gone"):
        explain._run(Engine.of(nursery), "1")
    assert not os.path.exists(nursery.folder)


def test_a_file_that_leads_out_of_its_folder_starts_no_kernel():
    with Nursery(Sandbox.BUBBLEWRAP, Limits(), ("IPython",)) as nursery:
        near, far = socket.socketpair()
        with near, far:
            spec = {"role": "student", "key": "k", "environment": {}}
            launched = launch(nursery.address, spec, {"../../x": b""}, {"line": far.fileno()})
            assert launched.wait(10)["code"] == 1
            launched.close()


def test_a_kernel_ends_when_the_grader_goes_away():
    with Nursery(Sandbox.BUBBLEWRAP, Limits(), ("IPython",)) as nursery:
        control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with control:
            with far:
                spec = {"role": "checker", "environment": {}, "folder": ".", "setup": [], "tests": {}}
                launched = launch(nursery.address, spec, {}, {"control": far.fileno()})
            launched.close()
            control.settimeout(10)
            assert control.recv(10) == b""


def test_a_child_that_takes_too_much_processor_time_is_ended():
    """By the system itself, so that it holds where nobody watches the clock."""
    burn = "import os\nchild = os.fork()\nwhile not child: pass\nassert os.waitpid(child, 0)[1] == 9"
    with Nursery(Sandbox.BUBBLEWRAP, Limits(notebook_seconds=1), ("IPython",)) as nursery:
        control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        line, theirs = socket.socketpair()
        with control, line:
            with far, theirs:
                spec = {"role": "checker", "environment": {}, "folder": ".", "setup": [], "tests": {"burn": [0, burn]}}
                launched = launch(nursery.address, spec, {}, {"control": far.fileno()})
                control.send(b"line")
                socket.send_fds(control, [b"here"], [theirs.fileno()])
            control.send(b"burn")
            control.settimeout(30)
            assert json.loads(control.recv(1 << 16))["passed"]
            launched.close()


def test_two_graders_can_share_one_nursery():
    with Nursery(Sandbox.BUBBLEWRAP, Limits(), ("IPython",)) as nursery:
        lines = [connect(nursery.address) for _ in range(3)]
        for line in lines:
            line.settimeout(10)
            line.send(b"[]")
        assert all(line.recv(4096) for line in lines)
        for line in lines:
            line.close()


def test_the_provisioner_is_what_the_kernelspec_names():
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.provisioning import KernelProvisionerFactory

    spec = KernelSpecManager().get_kernel_spec(kernels.KERNEL_NAME)
    named = spec.metadata["kernel_provisioner"]["provisioner_name"]
    assert KernelProvisionerFactory.instance().provisioners[named].load() is kernels.SandboxProvisioner
