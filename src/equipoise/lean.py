"""Imported first by the programs of this package: leaves out what would be imported at length and is never used.

jsonschema, which checks notebooks for nbformat, takes a second to compile a grammar of international web addresses if
that is installed. No notebook has a field for one.
"""

import sys

sys.modules.setdefault("rfc3987_syntax", None)
