"""Depreciation: what share of a price the tax office lets one deduct in which year."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, get_args

from microgrid_opt.finance.limits import check_finite, check_whole

Depreciation = Literal[
    "straight_line", "macrs", "double_declining_balance", "sum_of_years_digits", "immediate"
]

_ROUNDING = 1e-12  # two shares that make up 1 may miss it by this much

# Years of a class of property: times the straight-line rate, and the last printed digit of its
# column in Table A-1 as a share of the basis.
_MACRS = {
    3: (Decimal(2), Decimal("1e-4")),
    5: (Decimal(2), Decimal("1e-4")),
    7: (Decimal(2), Decimal("1e-4")),
    10: (Decimal(2), Decimal("1e-4")),
    15: (Decimal("1.5"), Decimal("1e-4")),
    20: (Decimal("1.5"), Decimal("1e-5")),
}


def deductions(
    method: Depreciation,
    years: int,
    *,
    bonus_fraction: float = 0.0,
    residual_fraction: float = 0.0,
) -> tuple[float, ...]:
    r"""Shares of the tax basis that are deducted from taxable income in the years 1, 2, ...

    $$ \sum_t d_t = 1 - s, \qquad B_t = 1 - \sum_{\tau \le t} d_\tau $$

    The bonus $b$ is deducted in year 1, and the method spreads the rest. With $B_{t-1}$ the book
    value at the start of year $t$ and $B_0 = 1 - b$ after the bonus:

    | method | deduction $d_t$ of year $t$, the bonus apart | years |
    |---|---|---|
    | `straight_line` | $(1-b-s)/n$ | $n$ |
    | `sum_of_years_digits` | $(1-b-s)\,\dfrac{n+1-t}{n(n+1)/2}$ | $n$ |
    | `double_declining_balance` | $\min\bigl(\tfrac{2}{n} B_{t-1},\, B_{t-1}-s\bigr)$, and half of what is left above $s$ in each of the last two years | $n$ |
    | `macrs` | $\max\bigl(\tfrac{k}{n},\, \tfrac{1}{m_t}\bigr) B_{t-1}$, but half of $\tfrac{k}{n} B_0$ in year 1 and $B_n$ in year $n+1$ | $n+1$ |
    | `immediate` | $1-b$ in year 1 | 1 |

    | symbol | meaning | unit |
    |---|---|---|
    | $d_t$ | share of the basis that is deducted in year $t$ | - |
    | $B_t$ | book value at the end of year $t$ as a share of the basis | - |
    | $n$ | recovery period `years` | years |
    | $b$ | `bonus_fraction` | - |
    | $s$ | `residual_fraction` | - |
    | $k$ | 2 for 3 to 10 years, 1.5 for 15 and 20 years | - |
    | $m_t$ | recovery period that is left at the start of year $t$, $n + 1.5 - t$ | years |

    Parameters
    ----------
    method
        The method, see the table.
    years
        $n$ [years], a whole number >= 1; 3, 5, 7, 10, 15 or 20 for `macrs`; without effect for
        `immediate`.
    bonus_fraction
        $b$ [-], 0 to 1, deducted in year 1 besides what the method deducts of the rest.
    residual_fraction
        $s$ [-], 0 to $1 - b$: the residual value (净残值率) that is never deducted. `macrs` and
        `immediate` deduct all of the basis: only 0.

    Returns
    -------
    One share for each year, from the year in which the component goes into service. `macrs` has
    the half-year convention and therefore one year more than $n$; the others take year 1 as whole.

    Notes
    -----
    Every year of `macrs` is rounded before the next one is derived from what is left, to 0.01 % of
    the basis (0.001 % for 20 years). This gives the percentages of the printed table, digit for
    digit, which is what is filed; they add up to 100 %.

    The declining balance reads the book value without the residual value, as the Chinese rule has
    it, and never goes below the residual value.

    References
    ----------
    - Internal Revenue Service: Publication 946, How To Depreciate Property, 2023, Appendix A,
      Table A-1 (half-year convention), chapter 3 (bonus); Revenue Procedure 87-57, 1987-2 C.B. 687.
    - 中华人民共和国企业所得税法实施条例 (国务院令第512号, 2007), 第五十九条 (straight line, residual
      value), 第六十条 (least years), 第九十八条 (double declining balance, sum of years' digits).
    - 国家税务总局: 关于企业固定资产加速折旧所得税处理有关问题的通知, 国税发〔2009〕81号 (formulas).
    - 财政部, 税务总局: 关于设备、器具扣除有关企业所得税政策的通知, 财税〔2018〕54号 (immediate).
    """
    if method not in get_args(Depreciation):
        raise ValueError(
            f"method = {method!r}: must be one of {', '.join(get_args(Depreciation))}."
        )
    _check(method, years, bonus_fraction, residual_fraction)
    rest = 1.0 - bonus_fraction
    if method == "immediate":
        return (1.0,)
    if method == "macrs":
        spread = [rest * share for share in _macrs(int(years))]
    elif method == "double_declining_balance":
        spread = _double_declining(int(years), rest, residual_fraction)
    else:
        weights = [1] * int(years) if method == "straight_line" else range(int(years), 0, -1)
        whole = max(0.0, rest - residual_fraction)
        spread = [whole * weight / sum(weights) for weight in weights]
    return (bonus_fraction + spread[0], *spread[1:])


def _check(method: Depreciation, years: int, bonus: float, residual: float) -> None:
    check_whole("years", years)
    if method == "macrs" and years not in _MACRS:
        allowed = ", ".join(map(str, _MACRS))
        raise ValueError(f"years = {years!r}: method 'macrs' has classes of {allowed} years.")
    check_finite("bonus_fraction", bonus, minimum=0.0)
    check_finite("residual_fraction", residual, minimum=0.0)
    if bonus > 1.0:
        raise ValueError(f"bonus_fraction = {bonus!r}: must be between 0 and 1 (0.4 is 40 %).")
    if method in {"macrs", "immediate"} and residual:
        raise ValueError(
            f"residual_fraction = {residual!r}: method {method!r} deducts all of the basis, so it "
            "must be 0."
        )
    if bonus + residual > 1.0 + _ROUNDING:
        raise ValueError(
            f"residual_fraction = {residual!r}: must be between 0 and {1.0 - bonus:g}, which is 1 "
            "minus bonus_fraction."
        )


def _double_declining(years: int, book: float, residual: float) -> list[float]:
    found = []
    for _ in range(years - 2):
        found.append(max(0.0, min(2.0 / years * book, book - residual)))
        book -= found[-1]
    last = min(years, 2)
    return [*found, *[max(0.0, book - residual) / last] * last]


def _macrs(years: int) -> list[float]:
    multiple, digit = _MACRS[years]
    rate = multiple / years
    book, left = Decimal(1), Decimal(years)
    found = []
    for part in (Decimal("0.5"), *[Decimal(1)] * (years - 1)):
        share = max(rate, 1 / left) * part * book
        found.append(share.quantize(digit, ROUND_HALF_UP))
        book -= found[-1]
        left -= part
    return [float(share) for share in (*found, book)]
