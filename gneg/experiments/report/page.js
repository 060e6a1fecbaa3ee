"use strict";
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  const figures = [...document.querySelectorAll(".figure")];
  const narrow = window.matchMedia("(max-width: 640px)");
  const ink = () => getComputedStyle(root).getPropertyValue("--ink").trim();
  const menu = () => ({ "updatemenus[0].bgcolor": getComputedStyle(root).getPropertyValue("--panel").trim() });

  // -- figures
  for (const figure of figures) {
    const plot = JSON.parse(document.getElementById("data-" + figure.id).textContent);
    if (narrow.matches) {
      plot.layout.margin = { ...plot.layout.margin, l: 8, r: 8 };
      plot.layout.font.size = 11;
      if (plot.layout.yaxis.autorange === "reversed") plot.layout.yaxis.tickfont = { size: 8 };
    }
    const config = { responsive: true, displaylogo: false, toImageButtonOptions: { format: "svg", filename: figure.id } };
    Plotly.newPlot(figure, plot.data, plot.layout, config);
  }

  // -- light and dark
  const paint = (dark) => {
    root.dataset.theme = dark ? "dark" : "light";
    button.textContent = dark ? "Light" : "Dark";
    button.setAttribute("aria-pressed", String(dark));
    for (const figure of figures) {
      const change = { "font.color": ink() };
      if (figure.layout.updatemenus) Object.assign(change, menu());
      Plotly.relayout(figure, change);
    }
  };
  button.addEventListener("click", () => paint(root.dataset.theme !== "dark"));
  prefersDark.addEventListener("change", (event) => paint(event.matches));
  paint(prefersDark.matches);

  // -- the table
  const table = document.getElementById("results");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, i) => row.cells[i].dataset.value;
  const compare = (i, numeric) => (a, b) => {
    const [x, y] = [value(a, i), value(b, i)];
    if (!numeric) return x.localeCompare(y);
    return (x === "" ? -Infinity : Number(x)) - (y === "" ? -Infinity : Number(y));
  };
  heads.forEach((head, i) => {
    head.querySelector("button").addEventListener("click", () => {
      const numeric = head.dataset.kind === "number";
      const before = head.getAttribute("aria-sort");
      const now = before === "none" ? (numeric ? "descending" : "ascending") : before === "descending" ? "ascending" : "descending";
      heads.forEach((cell) => cell.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", now);
      const sign = now === "ascending" ? 1 : -1;
      const rows = [...body.rows].sort((a, b) => sign * compare(i, numeric)(a, b));
      body.append(...rows);
    });
  });
  const filter = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const filterRows = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of body.rows) {
      const text = [...row.cells].slice(0, 3).map((cell) => cell.textContent.toLowerCase()).join(" ");
      row.hidden = !words.every((word) => text.includes(word));
      count += row.hidden ? 0 : 1;
    }
    shown.textContent = count === body.rows.length ? "" : `${count} of ${body.rows.length} rows shown`;
  };
  filter.addEventListener("input", filterRows);
  const boxes = [...document.querySelectorAll('input[name="metric"]')];
  const showMetrics = () => {
    const chosen = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    for (const cell of table.querySelectorAll("[data-metric]")) cell.hidden = !chosen.has(cell.dataset.metric);
  };
  boxes.forEach((box) => box.addEventListener("change", showMetrics));
  showMetrics();
})();
