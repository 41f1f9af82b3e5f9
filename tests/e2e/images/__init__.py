"""Container images made from local files: no registry, no Docker, and the same bytes from the same files.

`archive` writes the format, `containerfile` reads what users build with, `products` says what is in which image.
"""
