"""From the sky to power per kW installed: weather tables, PV and wind yield, synthetic years.

Only spec.py knows a park or YAML; the rest are plain functions on NumPy arrays and pandas tables.

```
frame.py      Weather, the checked table; monthly_table
align.py      bring a weather table to the stamps of a horizon
files.py      read_weather, read_csv, write_csv (own CSV format)
formats.py    read_epw, read_tmy3
pvgis.py      read_pvgis, fetch_pvgis
output.py     Output and Yield: what the two models below return
pv.py         pv_per_unit
solar.py      the models of pvlib that it uses
wind.py       wind_per_unit
curves.py     PowerCurve, and the library in microgrid_opt/data/power_curves
synthetic.py  synthetic_year from twelve monthly means; sunshine.py and draws.py: its parts
```
"""
