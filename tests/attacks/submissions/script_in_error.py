"""Tries: to run a script in the feedback page from the message and the name of an error.
Must happen: the page shows them as text.
"""

CODE = """
script = "</pre><script>EQUIPOISE_SCRIPT</script>"
raise type(script, (Exception,), {})(script)
"""


def hand_in(submission):
    submission.begin(CODE)
