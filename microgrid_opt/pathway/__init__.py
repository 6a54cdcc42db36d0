r"""Investment stages: capacity built, kept and retired over calendar years, in one model.

$$ \min \sum_s w_s\,C_s, \qquad \sum_s n_s\,\frac{E_s}{y} \le B $$

| symbol | name | unit |
|---|---|---|
| $C_s$ | cost of a year in stage $s$: its ledger, annuities of earlier purchases included | currency/year |
| $w_s$ | present value of one unit of money a year (`microgrid_opt.pathway.weights`) | years |
| $n_s$ | calendar years of stage $s$ | years |
| $E_s, y$ | CO2 of stage $s$ over the horizon; share of a year that the horizon stands for | kg, – |
| $B$ | ``co2_budget_t`` | t |

```
spec.py      the section `pathway` of a park file
weights.py   years and present values of the stages
problem.py   a park with stages -> one problem per stage, and what they may not say together
standing.py  what a stage leaves to the next one, in numbers
plan.py      perfect or myopic: model, solve, results of every stage
limits.py    what binds in which stage, and what one more unit is worth
results.py   what the whole pathway builds, costs and emits, as tables
audit.py     lots, lives, weights and objective derived again
store.py     a folder for the pathway with one for each stage
report.py    one page over all stages
```

How a size goes through the stages stands in `microgrid_opt.formulations.vintages`.
"""
