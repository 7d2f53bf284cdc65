"""Tries: to run a script in the browser of whoever opens the feedback, from the essay.
Must happen: the page holds no script, and no handler of an event.
"""


def hand_in(submission):
    essay = "<script>EQUIPOISE_SCRIPT</script> <img src='x' onerror='EQUIPOISE_SCRIPT'>"
    submission.answer("memo", f"{essay} [more](javascript:EQUIPOISE_SCRIPT)")
