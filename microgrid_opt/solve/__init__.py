"""From a built Pyomo model to a proven plan.

```
handoff.py      extract(model) -> Matrix: the fast way, one walk for each constraint family
  containers.py   variables and parameters as arrays
  template.py     expressions as linear forms over all rows of a family
  containersum.py sums over whole containers, written out only when Pyomo asks
  modelling.py    Pyomo itself
  rows.py         rows in compressed form
reference.py    extract_reference(model), assert_same(a, b): the slow way, to check the fast one
matrix.py       Matrix, Block: the model as arrays, with names made when asked for
highs.py        solve(matrix, profile) -> Outcome; fixed_lp_duals for integer models
  session.py      a model held by HiGHS, solved again after changes; bases
  live.py         a built model changed by name and solved again from the last basis
  changes.py      what changed since HiGHS was last told
  watch.py        the run in a thread: progress, Ctrl-C, the best plan so far
  options.py      options that HiGHS does not take are errors
profiles.py     load_profile(name, overrides): solvers/*.yaml
status.py       Status (why it stopped) apart from Solution (what is held); Outcome, Progress
certify.py      residuals, dual bound and optimality conditions by NumPy alone
explain.py      explain(matrix): which limits conflict, where and by how much
choice.py       which strategy and profile a model is solved by
direct.py       a model solved that way, and what the run tells of itself
  coarse.py       a problem on coarser steps
  progressive.py  large linear years: coarse levels, then pieces of some days, then a vertex
    levels.py       what the levels hand to one another, and what they end with
    pieces.py       whose the columns and rows are; what pieces share
    boxes.py        finite bounds for every column
    piece.py        one piece as a model: what it costs, and cuts that any duals or prices prove
    cuts.py         all cuts: a proven bound, and the next point
    bundle.py       the search: plans above, bounds below
    allotted.py     shares of limits of the year that pieces choose at a price: where it begins
    stacked.py      all pieces as one model again, from where they stand to a vertex
  typical.py      a few typical days for all, then the full model searched from them
    days.py         the days of a model: which have one structure, what is in each
    medoids.py      which few days stand best for all
    aggregate.py    the columns of a model in which a few days stand for all
    dayrows.py      its rows on their way; limits of stores by extremes
    typical_rows.py its rows
  rounding.py     thousands of on/off decisions: relaxed, rounded, priced
  windowed.py     the same in windows of some days: plans above, bounds below
    eased.py        a year without the whole numbers of its steps, or with them held
    inside.py       windows of a plan, solved while the rest stands
  parts.py        a few whole numbers in a year: bounded and held month by month
  priced.py       what prices of rows prove of a model in parts (windows, months)
chain.py        one model after another: from the last basis, plan or cuts
  limits.py       linear years whose limits change: cuts stay
rolling.py      operation window by window, checked on the whole model
  windows.py      a window as a model: the past put in, the future priced
  reach.py        how far rows reach, what a plan pays for them
diagnosis.py    infeasibility in a planner's words
```

This package imports neither Pyomo nor highspy until `handoff` or `highs` is imported.
"""
