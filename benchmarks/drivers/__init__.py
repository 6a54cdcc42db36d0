"""One driver for each phase."""
