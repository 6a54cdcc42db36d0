"""Loans: interest and principal of every year."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, get_args

from microgrid_opt.finance.limits import check_finite, check_rate, check_whole, discount

Repayment = Literal["annuity", "equal_principal", "bullet"]


@dataclass(frozen=True)
class Loan:
    """What a loan costs at the end of the years 1, 2, ... of its term [money]."""

    interest: tuple[float, ...]
    principal: tuple[float, ...]

    @property
    def service(self) -> tuple[float, ...]:
        """Interest plus principal of every year [money]."""
        return tuple(map(sum, zip(self.interest, self.principal, strict=True)))


def repayments(
    amount: float,
    rate: float,
    term_years: int,
    *,
    repayment: Repayment = "annuity",
    grace_years: int = 0,
) -> Loan:
    r"""Interest and principal of a loan that is paid out in year 0.

    $$ I_t = i\, D_{t-1}, \qquad D_t = D_{t-1} - P_t, \qquad D_0 = A, \quad D_T = 0 $$

    $P_t = 0$ in the years of grace; then, with $n = T - G$ and $k = t - G = 1, \dots, n$:

    | repayment | principal $P_t$ | constant |
    |---|---|---|
    | `annuity` | $A\,(1+i)^k \big/ \sum_{j=1}^{n} (1+i)^j$ | $I_t + P_t = A\,\mathrm{CRF}(i, n)$ |
    | `equal_principal` | $A/n$ | $P_t$ |
    | `bullet` | $A$ in year $T$, 0 before | $I_t$ |

    | symbol | meaning | unit |
    |---|---|---|
    | $A$ | `amount` | money |
    | $i$ | `rate` | 1/year |
    | $T$ | `term_years` | years |
    | $G$ | `grace_years` | years |
    | $I_t, P_t$ | interest and principal paid at the end of year $t$ | money |
    | $D_t$ | debt after the payment of year $t$ | money |

    Whatever the repayment, what is paid has the present value $A$ at the rate of the loan:
    $\sum_t (I_t + P_t)(1+i)^{-t} = A$.

    Parameters
    ----------
    amount
        $A$ [money], >= 0.
    rate
        $i$ [1/year], > -1, effective for a year; with 0 only the principal is paid.
    term_years
        $T$ [years], a whole number >= 1, years of grace included.
    repayment
        How the principal is paid back, see the table (等额本息, 等额本金, 到期一次还本).
    grace_years
        $G$ [years], a whole number from 0 to $T - 1$: first years with interest only. Without
        effect for `bullet`, which pays interest only in any case.

    References
    ----------
    - W. Short, D. J. Packey, T. Holt, NREL/TP-462-5173, 1995, doi 10.2172/35391: uniform capital
      recovery factor, loans.
    """
    check_finite("amount", amount, minimum=0.0)
    check_rate("rate", rate)
    check_whole("term_years", term_years)
    if not (0 <= grace_years < term_years and grace_years % 1 == 0):
        raise ValueError(
            f"grace_years = {grace_years!r}: must be a whole number from 0 to {term_years - 1}, "
            "less than term_years."
        )
    if repayment not in get_args(Repayment):
        allowed = ", ".join(get_args(Repayment))
        raise ValueError(f"repayment = {repayment!r}: must be one of {allowed}.")
    grace, count = int(grace_years), int(term_years) - int(grace_years)
    if repayment == "annuity":
        # Counted from the end with the largest payment, so that no power overflows.
        largest = count if rate > 0 else 1
        shares = [discount(rate, largest - year) for year in range(1, count + 1)]
    elif repayment == "equal_principal":
        shares = [1.0] * count
    else:
        shares = [0.0] * (count - 1) + [1.0]
    total = math.fsum(shares)
    principal = [0.0] * grace + [amount * share / total for share in shares]
    debts = reversed(list(accumulate(reversed(principal))))
    return Loan(tuple(rate * debt for debt in debts), tuple(principal))
