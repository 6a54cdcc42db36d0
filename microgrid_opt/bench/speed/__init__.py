"""Speed beside other tools: the same park from files on disk to saved results, in fresh processes."""
