"""Tries: to be the kernel: an ipykernel_launcher.py beside the notebook, which skips tests.
Must happen: the real kernel starts.
"""

LAUNCHER = b"""
from ipykernel import kernelapp
from ipykernel.zmqshell import ZMQInteractiveShell

run = ZMQInteractiveShell.run_cell_async


async def run_cell_async(self, code, *args, **options):
    return await run(self, "" if code.startswith("# Test") else code, *args, **options)


ZMQInteractiveShell.run_cell_async = run_cell_async
kernelapp.launch_new_instance()
"""


def hand_in(submission):
    submission.write("ipykernel_launcher.py", LAUNCHER)
