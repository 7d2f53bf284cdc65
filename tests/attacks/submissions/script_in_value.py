"""Tries: to run a script in the feedback page from a wrong value, which a test quotes in its message.
Must happen: the page shows the value as text.
"""


def hand_in(submission):
    submission.answer("mean", "mean_severity = '</pre><script>EQUIPOISE_SCRIPT</script>'")
