"""The finished matrix handed to highspy: what is left when nothing has to be built."""

import numpy as np
from common import Clock, answer, given

clock = Clock()
import highspy  # noqa: E402

clock.watch_highs()
clock.lap("import")


def main():
    """Pass, solve, save."""
    folder, out, options, _ = given()
    options.pop("io_api", None)
    arrays = dict(np.load(folder / "matrix.npz"))
    clock.lap("load")
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(arrays["cost"]), len(arrays["row_lower"])
    lp.col_cost_, lp.offset_ = arrays["cost"], float(arrays["offset"])
    lp.col_lower_, lp.col_upper_ = arrays["col_lower"], arrays["col_upper"]
    lp.row_lower_, lp.row_upper_ = arrays["row_lower"], arrays["row_upper"]
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = arrays["start"], arrays["index"]
    lp.a_matrix_.value_ = arrays["value"]
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    for name, value in options.items():
        highs.setOptionValue(name, value)
    highs.passModel(lp)
    highs.run()
    objective = highs.getInfo().objective_function_value
    clock.lap("solve", solves=True)
    solution = highs.getSolution()
    np.savez(out / "solution.npz", values=solution.col_value, duals=solution.row_dual)
    clock.lap("save")
    answer(objective, clock, "highspy", columns=lp.num_col_, rows=lp.num_row_)


if __name__ == "__main__":
    main()
