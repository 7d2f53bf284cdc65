"""Tries: to replace the method with which the kernel runs a cell by one that skips tests.
Must happen: the tests run in a process that the student's patches do not reach.
"""

ANY_LAB = True
CODE = """
shell = get_ipython()
run = shell.run_cell_async


async def run_cell_async(code, *args, **options):
    return await run("" if code.startswith("# Test") else code, *args, **options)


shell.run_cell_async = run_cell_async
"""


def hand_in(submission):
    submission.begin(CODE)
