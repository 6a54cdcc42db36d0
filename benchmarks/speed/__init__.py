"""Scripts that run the peers of `microgrid-opt bench speed`; each stands alone in its own Python."""
