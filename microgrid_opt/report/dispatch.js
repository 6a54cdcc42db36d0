// Supply and use of one balance over time, with stores and prices, and duration curves.

const SPANS = [["Day", 1], ["Week", 7], ["Month", 30], ["Season", 91], ["Whole horizon", 0], ["Duration curves", -1]]
  .filter(([, length]) => length <= 0 || length < days);
const state = {
  balance: 0, span: SPANS.some(([, length]) => length === 7) ? 7 : 0, day: 0,
};
const balances = data.balances;
const sum = (flows) => {
  const out = new Float64Array(data.time.n);
  for (const flow of flows) array(flow.array).forEach((v, i) => { out[i] += v; });
  return out;
};
const highest = (values) => values.reduce((best, v, i) => (v > values[best] ? i : best), 0);
const daysShown = () => (state.span > 0 ? Math.min(state.span, days) : days);

function jumps(balance) {
  const of = (role, sign) => balance.flows.filter((f) => f.sign === sign && (!role || f.role === role));
  const list = [
    ["Highest use", of("", -1)], ["Largest import", of("import", 1)],
    ["Most generation", of("generation", 1)], ["Largest export", of("export", -1)],
    ["Most stored", of("storage", -1)],
  ].filter(([, flows]) => flows.length).map(([text, flows]) => [text, () => highest(sum(flows))]);
  if (balance.price !== null) list.push(["Highest price", () => highest(array(balance.price))]);
  return list;
}

function moveTo(step) {
  const half = Math.floor(daysShown() / 2);
  setDay(Math.floor((T[step] - firstDay) / DAY) - half);
}

function setDay(day) {
  state.day = Math.max(0, Math.min(day, days - daysShown()));
  again("dispatch-chart");
}

// Means over bins of whole days (or an hour where steps are finer than can be seen).
function bins(from, to) {
  const steps = [];
  for (let i = 0; i <= last; i++) if (T[i] >= from && T[i] < to) steps.push(i);
  const width = to - from > 60 * DAY ? DAY : steps.length > 1500 ? HOUR : 0;
  const starts = [];
  steps.forEach((i, k) => {
    const before = k ? steps[k - 1] : -1;
    if (k === 0 || !width || Math.floor(T[i] / width) !== Math.floor(T[before] / width)) starts.push(k);
  });
  return { steps, starts, width };
}

function means(values, { steps, starts }) {
  return starts.map((start, b) => {
    const end = b + 1 < starts.length ? starts[b + 1] : steps.length;
    let total = 0, weight = 0;
    for (let k = start; k < end; k++) {
      total += values[steps[k]] * lengths[steps[k]];
      weight += lengths[steps[k]];
    }
    return total / weight;
  });
}

function overTime(element) {
  const balance = balances[state.balance];
  const from = firstDay + state.day * DAY;
  const cut = bins(from, from + daysShown() * DAY);
  const end = cut.steps.length ? cut.steps[cut.steps.length - 1] : 0;
  const x = cut.starts.map((k) => (cut.width ? Math.floor(T[cut.steps[k]] / cut.width) * cut.width : T[cut.steps[k]]));
  x.push(T[end] + lengths[end] * HOUR);
  const held = (values) => [...values, values[values.length - 1]];
  const traces = balance.flows.map((flow) => ({
    type: "scatter", mode: "lines", name: plain(flow.label), x,
    y: held(means(array(flow.array), cut).map((v) => flow.sign * v)),
    stackgroup: flow.sign > 0 ? "supply" : "use",
    line: { shape: "hv", width: 0.4, color: flow.colour }, fillcolor: flow.colour,
    yhoverformat: NUMBER, hoverlabel: { namelength: -1 },
  }));
  // A store's content is that at the end of its step.
  const content = (values) => (cut.width
    ? { x, y: held(means(values, cut)) } : { x: x.slice(1), y: means(values, cut) });
  traces.push(...lower(balance, content, (values) => ({ x, y: held(means(values, cut)) })));
  draw(element, traces, dispatchLayout(balance, {
    type: "date", range: [x[0], x[x.length - 1]], hoverformat: "%a %d %b %Y, %H:%M",
  }, traces), 660);
  byId("dispatch-when").textContent = `${dateText(from)} – ${dateText(x[x.length - 1] - 1)}`;
  const below = [
    ...(balance.contents.length ? ["what the stores hold"] : []),
    ...(balance.price === null ? [] : [
      `what one more unit would cost${priceScale(balance) ? " (a few values lie beyond the scale)" : ""}`,
    ]),
  ].join(" and ");
  byId("dispatch-hint").textContent = "Supply counts up, use counts down."
    + (below ? ` Below: ${below}.` : "")
    + (cut.width === DAY ? " Daily means." : cut.width ? " Hourly means." : "")
    + ` Local time, ${data.time.zone}.`;
}

function lower(balance, content, price) {
  const traces = balance.contents.map((store) => ({
    type: "scatter", mode: "lines", name: plain(store.label), ...content(array(store.array)),
    yaxis: "y2", line: { color: store.colour, width: 1.8 }, yhoverformat: NUMBER,
  }));
  if (balance.price !== null) {
    traces.push({
      type: "scatter", mode: "lines", name: "Cost of one more unit", ...price(array(balance.price)),
      yaxis: balance.contents.length ? "y3" : "y2",
      line: { color: "ink", width: 1.2, shape: "hv", dash: "dot" }, yhoverformat: NUMBER,
    });
  }
  return traces;
}

// A peak that is set in one hour has a price of its own: it must not flatten all others.
function priceScale(balance) {
  if (balance.price === null) return null;
  const sorted = Float64Array.from(array(balance.price)).sort();
  const at = (share) => sorted[Math.floor(share * (sorted.length - 1))];
  const low = at(0.005), high = at(0.995), room = high - low;
  const beyond = room > 0 && (at(1) > high + 3 * room || at(0) < low - 3 * room);
  return beyond ? [Math.min(0, low - 0.1 * room), high + 0.3 * room] : null;
}

function dispatchLayout(balance, xaxis, traces) {
  const two = traces.some((t) => t.yaxis), three = traces.some((t) => t.yaxis === "y3");
  const amounts = balance.contents.length ? balance.amount : balance.price_unit;
  const layout = {
    xaxis: { anchor: two ? "y2" : "y", ...xaxis },
    yaxis: { title: { text: balance.unit }, domain: [two ? 0.38 : 0, 1], zeroline: true },
    hovermode: "x unified", hoversubplots: "axis", legend: { orientation: "h" },
    margin: { l: 70, r: three ? 70 : 20, t: 12, b: 40 },
  };
  if (two) layout.yaxis2 = { title: { text: amounts }, domain: [0, 0.3], rangemode: "tozero" };
  if (three) {
    layout.yaxis3 = {
      title: { text: balance.price_unit }, domain: [0, 0.3], overlaying: "y2", side: "right",
      showgrid: false, tickmode: "auto", nticks: 5,
    };
  }
  const scale = priceScale(balance), axis = three ? layout.yaxis3 : layout.yaxis2;
  if (scale && axis && (three || !balance.contents.length)) axis.range = scale;
  return layout;
}

function duration(element) {
  const balance = balances[state.balance];
  const total = hours.reduce((a, b) => a + b, 0);
  const sorted = (values) => {
    const order = Array.from(values.keys()).sort((a, b) => values[b] - values[a]);
    const every = Math.max(1, Math.floor(order.length / 1000)), x = [], y = [];
    let passed = 0;
    order.forEach((i, k) => {
      if (k % every === 0 || k === order.length - 1) { x.push(passed); y.push(values[i]); }
      passed += hours[i];
    });
    return { x: [...x, total], y: [...y, y[y.length - 1]] };
  };
  const line = (name, values, colour, more) => ({
    type: "scatter", mode: "lines", name: plain(name), ...sorted(values), line: { color: colour, width: 1.8, shape: "hv", ...more },
    yhoverformat: NUMBER,
  });
  const traces = [line("All use", sum(balance.flows.filter((f) => f.sign < 0)), "ink", { width: 2.4 })];
  for (const flow of balance.flows) {
    traces.push(line(flow.label, array(flow.array), flow.colour, { dash: flow.sign > 0 ? "solid" : "dash" }));
  }
  if (balance.price !== null) {
    traces.push({ ...line("Cost of one more unit", array(balance.price), "ink", { dash: "dot" }), yaxis: "y2" });
  }
  const layout = dispatchLayout({ ...balance, contents: [] }, {
    title: { text: "hours of the horizon in which the value is reached or exceeded" }, range: [0, total],
  }, traces);
  draw(element, traces, { ...layout, hovermode: "closest" }, 660);
  byId("dispatch-hint").textContent = "Each curve is sorted by itself, from the highest value to the lowest.";
}

function dispatch(element) {
  if (state.span < 0) duration(element); else overTime(element);
  const fixed = state.span <= 0;
  byId("dispatch-move").hidden = fixed;
  document.querySelector(".jump").hidden = fixed;
  const slider = byId("dispatch-at");
  slider.max = String(days - daysShown());
  slider.value = String(state.day);
  byId("dispatch-back").disabled = state.day === 0;
  byId("dispatch-on").disabled = state.day >= days - daysShown();
  for (const button of byId("dispatch-span").children) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.span) === state.span));
  }
}

function setUpDispatch() {
  const names = balances.map((b, i) => [i, b.label]);
  if (!balances.length) {
    document.querySelector('[data-view="dispatch"]').hidden = true;
    byId("dispatch-move").hidden = true;
    hideChart("dispatch-chart", "The plan has no balance.", "dispatch-hint");
    return;
  }
  const jump = byId("dispatch-jump");
  const offer = () => {
    jump.replaceChildren();
    options(jump, [["", [["", "a day …"], ...jumps(balances[state.balance]).map(([text], i) => [i, text])]]]);
  };
  options(byId("dispatch-balance"), [["", names]], "0");
  offer();
  byId("dispatch-balance").addEventListener("change", (event) => {
    state.balance = Number(event.target.value);
    offer();
    again("dispatch-chart");
  });
  jump.addEventListener("change", () => {
    if (jump.value !== "") moveTo(jumps(balances[state.balance])[Number(jump.value)][1]());
  });
  for (const [text, length] of SPANS) {
    const button = byId("dispatch-span").appendChild(document.createElement("button"));
    button.type = "button";
    button.textContent = text;
    button.dataset.span = String(length);
    button.addEventListener("click", () => { state.span = length; setDay(state.day); });
  }
  byId("dispatch-at").addEventListener("input", (event) => setDay(Number(event.target.value)));
  byId("dispatch-back").addEventListener("click", () => setDay(state.day - daysShown()));
  byId("dispatch-on").addEventListener("click", () => setDay(state.day + daysShown()));
  charts.set("dispatch-chart", dispatch);
  const use = sum(balances[0].flows.filter((f) => f.sign < 0));
  if (state.span > 0) moveTo(highest(use));
}
