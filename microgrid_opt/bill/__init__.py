"""The bill of a metered connection under a tariff, month by month, component by component.

Plain NumPy on numbers; nothing here optimises, and nothing of the model is used. The audit holds the
plan's bill against this code.
"""

from microgrid_opt.bill.calculator import Bill, bill
from microgrid_opt.bill.facts import Facts, Meter
from microgrid_opt.bill.metered import MeterFile, read_meter

__all__ = ["Bill", "Facts", "Meter", "MeterFile", "bill", "read_meter"]
