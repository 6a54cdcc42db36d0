"""Bridges to other programs: a park as a file of theirs, and a file of theirs as a park."""
