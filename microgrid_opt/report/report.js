"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const byId = (id) => document.getElementById(id);
  const HOUR = 3600e3, DAY = 24 * HOUR;
  const specs = read("figures"), data = read("data");
  const LIGHT = { ink: "#1c2430", muted: "#4d5764", grid: "#e4e7eb", paper: "#ffffff", line: "#d5dae0" };
  const PRINT_WIDTH = 680, NARROW = 640;
  const NUMBER = ",.5~r";
  let printing = false;

  // ---------------------------------------------------------------- arrays and time

  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
  const cache = new Map();

  function array(number) {
    if (!cache.has(number)) {
      const held = data.arrays[number];
      const values = typeof held === "string"
        ? floats(bytes(held)) : new Float32Array(data.time.n).fill(held);
      cache.set(number, values);
    }
    return cache.get(number);
  }

  function floats(buffer) {
    const view = new DataView(buffer), out = new Float32Array(buffer.byteLength / 4);
    for (let i = 0; i < out.length; i++) out[i] = view.getFloat32(4 * i, true);
    return out;
  }

  function clock() {
    const { n, start, step, offsets } = data.time, out = new Float64Array(n);
    if (offsets === undefined) {
      for (let i = 0; i < n; i++) out[i] = start + i * (step || 0);
      return out;
    }
    const view = new DataView(bytes(offsets));
    for (let i = 0; i < n; i++) out[i] = start + 1000 * view.getInt32(4 * i, true);
    return out;
  }

  const per = (held) => (typeof held === "number"
    ? new Float64Array(data.time.n).fill(held) : Float64Array.from(held));
  const T = clock(), lengths = per(data.time.lengths), hours = per(data.time.hours);
  const last = data.time.n - 1;
  const firstDay = Math.floor(T[0] / DAY) * DAY;
  const finish = T[last] + lengths[last] * HOUR;
  const days = Math.max(1, Math.ceil((finish - firstDay) / DAY));
  const shortest = lengths.reduce((a, b) => Math.min(a, b), Infinity);

  const dateText = (ms) => new Date(ms).toLocaleDateString("en-GB",
    { timeZone: "UTC", weekday: "short", day: "numeric", month: "short", year: "numeric" });
  // Plotly reads a few tags in texts: what people wrote must stay what it is.
  const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  // ---------------------------------------------------------------- drawing

  function theme() {
    if (printing) return LIGHT;
    const style = getComputedStyle(document.documentElement);
    return Object.fromEntries(Object.keys(LIGHT).map(
      (name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }

  function dressed(layout, height) {
    const look = theme();
    const axis = {
      gridcolor: look.grid, linecolor: look.line, zerolinecolor: look.muted, tickcolor: look.line,
      zeroline: false, automargin: true, exponentformat: "none", separatethousands: true,
    };
    const out = {
      font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: look.ink },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 60, r: 20, t: 16, b: 40 },
      hoverlabel: { bgcolor: look.paper, bordercolor: look.line, font: { color: look.ink } },
      separators: ".,",
      height,
      ...layout,
    };
    for (const name of new Set(["xaxis", "yaxis", ...Object.keys(layout)])) {
      if (!/^[xy]axis\d*$/.test(name)) continue;
      out[name] = { ...axis, ...layout[name] };
      if (layout[name]?.title) out[name].title = { standoff: 8, ...layout[name].title };
    }
    if (layout.legend) out.legend = { x: 0, xanchor: "left", y: 1.02, yanchor: "bottom", traceorder: "normal", ...layout.legend };
    if (printing) out.width = PRINT_WIDTH;
    return out;
  }

  const config = {
    displaylogo: false, responsive: true,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    toImageButtonOptions: { format: "svg" },
  };

  function draw(element, traces, layout, height) {
    const ink = theme().ink;
    const inked = JSON.parse(JSON.stringify(traces).replaceAll('"color":"ink"', `"color":"${ink}"`));
    const dress = dressed(layout, height);
    const width = printing ? PRINT_WIDTH : element.clientWidth;
    const named = traces.length > 1 ? traces.filter((t) => t.showlegend !== false).length : 1;
    if (dress.legend && width < NARROW) {
      dress.height += 20 * Math.max(0, Math.ceil(named / 2) - 1);
      dress.legend.maxheight = 1;
      dress.margin = { ...dress.margin, r: Math.min(dress.margin.r, 110) };
    }
    element.style.height = `${dress.height}px`;
    // A chart that is drawn anew has no transitions, which a printer would catch half way.
    if (printing) Plotly.purge(element);
    return Plotly.react(element, inked, dress, { ...config, staticPlot: printing });
  }

  const charts = new Map(), drawn = new Set();

  function show(id) {
    const element = byId(id);
    drawn.add(id);
    try {
      charts.get(id)(element);
    } catch (error) {
      element.textContent = `This chart could not be drawn: ${error.message}`;
      console.error(error);
    }
  }

  function again(id) { if (drawn.has(id)) show(id); }

  function hideChart(id, why, hint) {
    byId(id).hidden = true;
    charts.delete(id);
    if (hint) byId(hint).textContent = why;
  }

  for (const [id, spec] of Object.entries(specs)) {
    charts.set(id, (element) => draw(element, spec.data, spec.layout, spec.height));
  }

  function options(select, groups, chosen) {
    for (const [title, items] of groups) {
      const parent = title ? select.appendChild(document.createElement("optgroup")) : select;
      if (title) parent.label = title;
      for (const [value, text] of items) {
        const option = parent.appendChild(document.createElement("option"));
        option.value = value;
        option.textContent = text;
      }
    }
    if (chosen !== undefined) select.value = chosen;
  }

  // ---------------------------------------------------------------- dispatch

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
      ...(balance.price === null ? [] : ["what one more unit would cost"]),
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

  // ---------------------------------------------------------------- hour by day

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

  // ---------------------------------------------------------------- month by month

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

  // ---------------------------------------------------------------- page

  function setUpPage() {
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (entry.isIntersecting && charts.has(entry.target.id) && !drawn.has(entry.target.id)) show(entry.target.id);
      }
    }, { rootMargin: "500px" });
    for (const element of document.querySelectorAll(".chart")) seen.observe(element);
    const links = new Map([...document.querySelectorAll("nav a")].map((a) => [a.hash.slice(1), a]));
    const reading = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        for (const [id, link] of links) link.classList.toggle("here", id === entry.target.id);
      }
    }, { rootMargin: "-20% 0px -70% 0px" });
    for (const id of links.keys()) reading.observe(byId(id));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach(show));
    const opened = [];
    addEventListener("beforeprint", () => {
      printing = true;
      for (const element of document.querySelectorAll("details:not([open])")) {
        element.open = true;
        opened.push(element);
      }
      for (const id of charts.keys()) show(id);
    });
    addEventListener("afterprint", () => {
      printing = false;
      for (const id of drawn) Plotly.purge(byId(id));
      opened.splice(0).forEach((element) => { element.open = false; });
      drawn.forEach(show);
    });
  }

  setUpDispatch();
  setUpHeat();
  setUpMonths();
  setUpPage();
})();
