"""Tries: to run a script in the feedback page from names: of a file, a cell, a kernel, a function, a variable.
Must happen: the page shows them as text.
"""

SCRIPT = "<script>EQUIPOISE_SCRIPT</script>"
CODE = """
def largest_gap(shares):
    return largest_gap


largest_gap.__name__ = largest_gap.__qualname__ = "<script>EQUIPOISE_SCRIPT</script>"
mean_severity = type(largest_gap.__name__, (), {})()
"""


def hand_in(submission):
    submission.write(SCRIPT.replace("/", "\\"), b"")
    (submission.folder / "<img src='x' onerror='EQUIPOISE_SCRIPT'>").symlink_to("nowhere")
    submission.notebook.metadata.update(title=SCRIPT, kernelspec={"name": SCRIPT, "display_name": SCRIPT})
    for cell in submission.notebook.cells:
        cell.metadata["tags"] = [SCRIPT]
    submission.answer("mean", CODE)
    submission.answer("gap", "")
