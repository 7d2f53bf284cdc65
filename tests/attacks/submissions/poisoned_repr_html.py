"""Tries: to run a script in the feedback page from an object's own way to be shown, at the end of a cell.
Must happen: the page holds no script.
"""

CODE = """
class Poisoned:
    def _repr_html_(self):
        return "<script>EQUIPOISE_SCRIPT</script>"

    def _repr_javascript_(self):
        return "EQUIPOISE_SCRIPT"


mean_severity = Poisoned()
mean_severity
"""


def hand_in(submission):
    submission.answer("mean", CODE)
