// When charts are drawn, what the contents show, and how the page goes to paper.

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
