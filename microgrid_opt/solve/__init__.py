"""From a built Pyomo model to a proven plan.

```
handoff.py      extract(model) -> Matrix: the fast way, one walk for each constraint family
  containers.py   variables and parameters as arrays
  template.py     expressions as linear forms over all rows of a family
  containersum.py sums over whole containers, written out only when Pyomo asks
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
direct.py       which way a model is solved: at once, or first
  coarse.py       a problem on coarser steps
  rounding.py     thousands of on/off decisions: relaxed, rounded, priced
  progressive.py  large linear years: coarse levels, then pieces of some days
    pieces.py       whose the columns and rows are; what pieces share
    boxes.py        finite bounds for every column
    piece.py        one piece as a model: what it costs, and a cut that any duals prove
    cuts.py         all cuts: a proven bound, and the next point
    bundle.py       the search: plans above, bounds below
  parts.py        a few whole numbers in a year: bounded and held month by month
diagnosis.py    infeasibility in a planner's words
```

This package imports neither Pyomo nor highspy until `handoff` or `highs` is imported.
"""
