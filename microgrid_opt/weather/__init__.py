"""From the sky to power per kW installed: weather tables, PV and wind yield, synthetic years.

No module here knows a park or YAML: plain functions on NumPy arrays and pandas tables.

```
frame.py      Weather, the checked table; monthly_table
align.py      bring a weather table to the stamps of a horizon
files.py      read_weather, read_csv, write_csv (own CSV format)
formats.py    read_epw, read_tmy3
pvgis.py      read_pvgis, fetch_pvgis
pv.py         pv_per_unit
wind.py       wind_per_unit; curves.py: PowerCurve and the shipped library
synthetic.py  synthetic_year from twelve monthly means
```
"""
