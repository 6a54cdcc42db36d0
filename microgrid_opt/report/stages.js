// The page of a pathway: every chart at once, again in the dark and on paper.

const every = () => { for (const id of charts.keys()) show(id); };
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", every);
addEventListener("beforeprint", () => { printing = true; every(); });
addEventListener("afterprint", () => {
  printing = false;
  for (const id of charts.keys()) Plotly.purge(byId(id));
  every();
});
every();
