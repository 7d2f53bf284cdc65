"""Tries: to fill the memory with data of 6 MB that unpack to 6 GB.
Must happen: the limit on memory stops it, and marking itself unpacks nothing.
"""

import gzip


def hand_in(submission):
    submission.write("data/more.csv.gz", gzip.compress(bytes(20_000_000)) * 300)
    submission.begin("import gzip\nmore = gzip.open('data/more.csv.gz').read()")
