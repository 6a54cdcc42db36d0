"""Technologies, one file each, named like the ``type`` that it brings.

A file is imported when a park first has its type, or all of them are asked for; see
`microgrid_opt.assets.base.asset_type`.
"""
