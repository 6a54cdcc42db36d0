// Hour by day, and month by month.

function heat(element) {
  const series = data.series[Number(byId("heat-series").value)], values = array(series.array);
  const slot = Math.min(shortest, 1) * HOUR, slots = Math.ceil(DAY / slot);
  const z = Array.from({ length: slots }, () => new Array(days).fill(null));
  for (let i = 0; i <= last; i++) {
    const from = Math.round((T[i] - firstDay) / slot);
    const to = Math.max(from + 1, Math.round((T[i] - firstDay + lengths[i] * HOUR) / slot));
    for (let k = from; k < to && k < slots * days; k++) z[k % slots][Math.floor(k / slots)] = values[i];
  }
  const order = Float32Array.from(values).sort();
  const at = (share) => order[Math.round(share * last)];
  let [low, high] = [order[0], order[last]], clipped = false;
  if (high - low > 3 * (at(0.995) - at(0.005)) && at(0.995) > at(0.005)) {
    [low, high, clipped] = [at(0.005), at(0.995), true];
  }
  const signed = low < 0 && high > 0, reach = Math.max(-low, high);
  draw(element, [{
    type: "heatmap", z, x0: firstDay + DAY / 2, dx: DAY, y0: slot / HOUR / 2, dy: slot / HOUR,
    colorscale: signed ? "RdBu" : "Cividis", reversescale: signed,
    zmin: signed ? -reach : low, zmax: signed ? reach : high,
    colorbar: { title: { text: series.unit === "1" ? "" : series.unit }, thickness: 12, outlinewidth: 0, exponentformat: "none", separatethousands: true },
    hovertemplate: `%{x|%a %d %b %Y}, from %{text} h: %{z:${NUMBER}} ${series.unit === "1" ? "" : plain(series.unit)}<extra></extra>`,
    text: z.map((row, k) => row.map(() => +(k * slot / HOUR).toFixed(2))), hoverongaps: false,
  }], {
    xaxis: { type: "date", showgrid: false, ...(days < 15 ? { dtick: DAY, tickformat: "%a %d %b" } : {}) }, margin: { l: 60, r: 20, t: 10, b: 36 },
    yaxis: { title: { text: "hour of the day" }, range: [24, 0], tickvals: [0, 6, 12, 18, 24], showgrid: false },
  }, 380);
  byId("heat-hint").textContent = clipped
    ? "The colours span 99 % of the values; those beyond have the colour of the end." : "";
}

function setUpHeat() {
  const groups = [...new Set(data.series.map((s) => s.group))].map((group) => [group,
    data.series.map((s, i) => [i, s]).filter(([, s]) => s.group === group).map(([i, s]) => [i, s.label])]);
  const select = byId("heat-series");
  const why = days < 2 ? "The horizon is shorter than two days: there is no pattern over days to show."
    : shortest >= 24 ? "The steps are a day or longer: there is no pattern over the hours to show."
      : data.series.length ? "" : "No series changes over time.";
  if (why) {
    select.closest(".controls").hidden = true;
    hideChart("heat-chart", why, "heat-hint");
    return;
  }
  options(select, groups, "0");
  select.addEventListener("change", () => again("heat-chart"));
  charts.set("heat-chart", heat);
}

const PREFIX = { kWh: "MWh", kg: "t" };
const chosenMonth = () => balances[Number(byId("month-balance").value)];

function months(element) {
  const balance = chosenMonth();
  const largest = Math.max(...balance.flows.flatMap((f) => f.monthly.map(Math.abs)), 0);
  const large = largest >= 1e4 && PREFIX[balance.amount];
  const unit = large || balance.amount, divisor = large ? 1000 : 1;
  draw(element, balance.flows.map((flow) => ({
    type: "bar", name: plain(flow.label), x: data.months,
    y: flow.monthly.map((v) => (flow.sign * v) / divisor),
    marker: { color: flow.colour }, hovertemplate: `%{x}: %{y:${NUMBER}} ${unit}<extra>%{fullData.name}</extra>`,
  })), {
    barmode: "relative", bargap: 0.25, xaxis: { type: "category" },
    yaxis: { title: { text: unit }, zeroline: true }, legend: { orientation: "h" },
  }, 400);
}

const PEAKS = ["#3C76B4", "#D9A94A", "#5E9F8F", "#B5543A"];

function peaks(element) {
  const balance = chosenMonth();
  element.hidden = balance.peaks.length === 0;
  if (element.hidden) return;
  draw(element, balance.peaks.map((peak, i) => ({
    type: "bar", name: plain(peak.label), x: data.months, y: peak.values,
    marker: { color: PEAKS[i % PEAKS.length] }, hovertemplate: `%{x}: %{y:${NUMBER}} ${balance.unit}<extra>%{fullData.name}</extra>`,
  })), {
    barmode: "group", bargap: 0.25, xaxis: { type: "category" },
    yaxis: { title: { text: `peak, ${balance.unit}` } }, legend: { orientation: "h" },
  }, 300);
}

function setUpMonths() {
  const select = byId("month-balance");
  if (data.months.length < 2 || !balances.length) {
    select.closest(".controls").hidden = true;
    hideChart("month-chart", "The horizon lies within one month: the tables above are its totals.", "month-hint");
    hideChart("peak-chart");
    return;
  }
  options(select, [["", balances.map((b, i) => [i, b.label])]], "0");
  select.addEventListener("change", () => { again("month-chart"); again("peak-chart"); });
  charts.set("month-chart", months);
  charts.set("peak-chart", peaks);
  byId("month-hint").textContent = "Supply counts up, use counts down. Peaks are means over one step.";
}
