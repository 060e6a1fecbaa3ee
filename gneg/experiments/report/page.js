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
  const plots = Object.fromEntries(figures.map((figure) => [figure.id, document.getElementById("data-" + figure.id).textContent]));
  const wrap = (text, width) => {
    const lines = [""];
    for (const word of String(text).replaceAll("<br>", " ").split(" ")) {
      if (lines.at(-1) && lines.at(-1).length + word.length >= width) lines.push("");
      lines.push((lines.pop() + " " + word).trim());
    }
    return lines.join("<br>");
  };

  // Bars get the whole width: their names stand above them, not to the left.
  const nameAbove = ({ layout, data }) => {
    const bars = 28;
    const names = data[0].y.map((name) => wrap(name, 54));
    const text = 4 + 14 * Math.max(...names.map((name) => name.split("<br>").length));
    const annotation = { xref: "paper", x: 0, xanchor: "left", yanchor: "bottom", align: "left", yshift: bars / 2, showarrow: false };
    layout.annotations = names.map((name, i) => ({ ...annotation, y: data[0].y[i], text: name }));
    layout.yaxis.showticklabels = false;
    layout.yaxis.nticks = 0;
    layout.bargap = text / (bars + text);
    layout.margin.t = 24 + text / 2;
    layout.height = 90 + names.length * (bars + text);
  };

  // On a phone names and titles take several lines, and plots side by side stand one below the other.
  const fit = (plot) => {
    const { layout, data } = plot;
    const axes = Object.keys(layout).filter((name) => /^[xy]axis/.test(name)).map((name) => layout[name]);
    layout.margin = { ...layout.margin, l: 8, r: 14 };
    layout.font.size = 11;
    for (const axis of axes) {
      if (axis.title?.text) axis.title = { ...axis.title, text: wrap(axis.title.text, 40), standoff: 12 };
      if (axis.tickangle === 0) axis.tickangle = -90;
      if (axis.type !== "category") axis.nticks = 5;
    }
    if (layout.xaxis2) {
      Object.assign(layout.xaxis, { domain: [0, 1] });
      Object.assign(layout.xaxis2, { domain: [0, 1] });
      Object.assign(layout.yaxis, { domain: [0.6, 1] });
      Object.assign(layout.yaxis2, { domain: [0, 0.4], showticklabels: true, title: layout.yaxis.title });
      layout.height *= 1.4;
    }
    if (layout.yaxis.autorange === "reversed") nameAbove(plot);
    for (const entry of layout.updatemenus?.[0].buttons ?? []) {
      const titles = entry.args[1];
      for (const name of Object.keys(titles)) titles[name] = wrap(titles[name], 40);
    }
  };

  // The legend is text of the page: it wraps, and is read and pressed like any list of buttons.
  const MARKERS = { circle: "\u25cf", diamond: "\u25c6", square: "\u25a0", cross: "\u271a", "triangle-up": "\u25b2" };
  const STYLES = { solid: "solid", dot: "dotted", dash: "dashed", dashdot: "dashed", longdash: "dashed" };
  const legend = (figure) => {
    const groups = new Map();
    figure.data.forEach((trace, i) => {
      const key = trace.legendgroup ?? trace.name;
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(i);
    });
    const entries = [...groups.values()].map((members) => {
      const trace = figure.data[members[0]];
      const entry = document.createElement("button");
      const swatch = document.createElement("span");
      swatch.ariaHidden = "true";
      swatch.style.color = trace.line?.color ?? trace.marker.color;
      if (trace.line) swatch.style.borderTop = `2px ${STYLES[trace.line.dash]} ${trace.line.color}`;
      else swatch.textContent = MARKERS[trace.marker.symbol] ?? MARKERS.square;
      entry.type = "button";
      entry.setAttribute("aria-pressed", "true");
      entry.append(swatch, " " + trace.name.replaceAll("<br>", " "));
      entry.addEventListener("click", () => {
        const visible = entry.getAttribute("aria-pressed") !== "true";
        entry.setAttribute("aria-pressed", String(visible));
        Plotly.restyle(figure, { visible }, members);
      });
      return entry;
    });
    figure.nextElementSibling.replaceChildren(...entries);
  };
  const draw = () => {
    for (const figure of figures) {
      const plot = JSON.parse(plots[figure.id]);
      plot.layout.showlegend = false;
      plot.layout.font.color = ink();
      if (narrow.matches) fit(plot);
      const config = { responsive: true, displaylogo: false, displayModeBar: narrow.matches ? false : "hover", toImageButtonOptions: { format: "svg", filename: figure.id } };
      Plotly.react(figure, plot.data, plot.layout, config);
      if (plot.layout.updatemenus) Plotly.relayout(figure, menu());
      legend(figure);
    }
  };
  draw();
  narrow.addEventListener("change", draw);

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
      const text = [...row.cells].filter((cell) => cell.dataset.kind === "text").map((cell) => cell.textContent.toLowerCase()).join(" ");
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
