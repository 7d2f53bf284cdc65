"""The book: what Sphinx adds to the pages from the folders, and the command that builds an edition."""
