"""``python -m microgrid_opt`` is the command line."""

from __future__ import annotations

from microgrid_opt.cli import main

main()
