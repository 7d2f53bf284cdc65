"""Tries: to run a script in the browser of whoever opens the feedback, from displayed HTML, Markdown and SVG.
Must happen: the page holds no script, and no handler of an event.
"""

CODE = """
from IPython.display import HTML, SVG, Javascript, Markdown, display

script = "<script>EQUIPOISE_SCRIPT</script><img src='x' onerror='EQUIPOISE_SCRIPT'>"
display(HTML(script), Markdown(script), Javascript("EQUIPOISE_SCRIPT"))
display(HTML("<a href='javascript:EQUIPOISE_SCRIPT'>marks</a><iframe srcdoc='EQUIPOISE_SCRIPT'></iframe>"))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg' onload='EQUIPOISE_SCRIPT'/>"))
"""


def hand_in(submission):
    submission.begin(CODE)
