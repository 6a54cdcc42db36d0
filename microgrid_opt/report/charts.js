// Arrays, time and the look that all charts share.

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
