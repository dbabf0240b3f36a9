"""Fleet and releases to file trees: what each cluster is made of, and which file it lies in."""
