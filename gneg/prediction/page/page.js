(async () => {
  const byId = (id) => document.getElementById(`page-${id}`);
  const create = (name, attributes = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;

  // -- light and dark
  const root = document.documentElement;
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  const paint = (dark) => {
    root.dataset.theme = dark ? "dark" : "light";
    byId("theme").textContent = dark ? "Light" : "Dark";
    byId("theme").setAttribute("aria-pressed", String(dark));
  };
  byId("theme").addEventListener("click", () => paint(root.dataset.theme !== "dark"));
  prefersDark.addEventListener("change", (event) => paint(event.matches));
  paint(prefersDark.matches);

  // -- the data
  const record = JSON.parse(byId("data").textContent);
  byId("data").remove();
  const title = byId("name");
  if (!("DecompressionStream" in window)) {
    title.textContent = "This browser is too old to open the page";
    return;
  }
  const data = await openData(record);
  const { names, relations, roles, answers, links, hasAnswer, hasProbability, address } = data;

  // -- the table
  const PAGE = 50;
  const formatProbability = (value) => {
    if (Number.isNaN(value)) return "–";
    if (value >= 0.001 || value === 0) return value.toPrecision(3);
    return value >= 1e-5 ? value.toFixed(6) : value.toExponential(1);
  };
  const formatScore = (value) => (Number.isNaN(value) ? "–" : Math.abs(value) >= 1e5 ? value.toExponential(2) : value.toFixed(Math.abs(value) >= 100 ? 1 : 3));
  const answer = relations && roles.asked === "partner" ? "relation" : roles.partner;
  const columns = ["rank", answer, ...(hasProbability ? ["probability"] : []), "score"];
  const kindOf = (column) => ({ rank: "rank", probability: "number", score: "number" })[column] || "text";
  byId("table").tHead.append(create("tr", {}, ...columns.map((column) => create("th", { scope: "col", class: kindOf(column) }, column))));
  const cells = {
    rank: (_, rank) => String(rank),
    probability: (i) => formatProbability(answers.probability[i]),
    score: (i) => formatScore(answers.score[i]),
    relation: (i) => relations[answers.relation[i]],
    [roles.partner]: (i) => create("a", { href: address(answers.partner[i]) }, names[answers.partner[i]]),
  };
  const rowOf = (i, rank) => {
    if (!hasAnswer(i)) return create("tr", {}, create("td", { colspan: columns.length }, "No answer is left: all are known."));
    const row = create("tr", {}, ...columns.map((column) => create("td", { class: kindOf(column) }, cells[column](i, rank))));
    for (const column of ["probability", "score"]) if (columns.includes(column)) row.cells[columns.indexOf(column)].dataset.value = answers[column][i];
    if (answers.known[i]) row.cells[1].append(create("span", { class: "known" }, "known"));
    if (answers.why) row.cells[1].append(create("span", { class: "why" }, data.why(i)));
    return row;
  };
  const fillTable = (rows, limit) => {
    let rank = 0;
    let before = null;
    const body = rows.slice(0, limit).flatMap((i) => {
      const query = answers[roles.asked][i];
      const first = query !== before;
      rank = first ? 1 : rank + 1;
      before = query;
      const column = roles.asked === "partner" ? roles.partner : "relation"; // the rest of the query
      const head = () => create("tr", { class: "query" }, create("th", { colspan: columns.length, scope: "rowgroup" }, create("span", {}, `${column} `), cells[column](i)));
      return relations && first ? [head(), rowOf(i, rank)] : [rowOf(i, rank)];
    });
    byId("table").tBodies[0].replaceChildren(...body);
    byId("table").hidden = !rows.length;
    byId("more").hidden = rows.length <= limit;
    byId("more").textContent = `Show all ${rows.length.toLocaleString("en")}`;
    byId("more").onclick = () => {
      fillTable(rows, Infinity);
      byId("table").tBodies[0].rows[body.length].querySelector("a")?.focus();
    };
  };

  // -- the neighbourhood
  const MOST_KNOWN = 12;
  const MOST_PREDICTED = 10;
  const spoken = (node, other, kind) => {
    const [from, to] = kind % 2 ? [other, node] : [node, other];
    return relations ? `${names[from]} - ${relations[kind >> 1]} - ${names[to]}` : data.directed ? `${names[from]} → ${names[to]}` : "";
  };
  const noted = (kinds) => {
    if (!relations) return "";
    const first = `${kinds[0] % 2 ? "← " : ""}${relations[kinds[0] >> 1]}`;
    return kinds.length > 1 ? `${first} +${kinds.length - 1}` : first;
  };
  const neighborhoodOf = (node, rows) => {
    const known = data.neighbors(node);
    const predicted = new Map();
    for (const i of relations ? [...rows].sort((a, b) => data.worth[b] - data.worth[a]) : rows) {
      const partner = answers.partner[i];
      if (!hasAnswer(i) || answers.known[i] || (!relations && known.has(partner))) continue;
      if (predicted.has(partner)) predicted.get(partner).push(i);
      else if (predicted.size < MOST_PREDICTED) predicted.set(partner, [i]);
    }
    const partners = [...predicted.keys()];
    const tied = new Map([...known.keys()].map((other) => [other, []]));
    partners.forEach((partner, j) => {
      for (const other of data.neighbors(partner).keys()) if (tied.has(other)) tied.get(other).push(j);
    });
    const middle = (other) => { const list = tied.get(other); return list.length ? list.reduce((sum, j) => sum + j, 0) / list.length : Infinity; };
    const chosen = [...known.keys()].filter((other) => other !== node)
      .sort((a, b) => tied.get(b).length - tied.get(a).length || links.degree[a] - links.degree[b] || a - b)
      .slice(0, MOST_KNOWN).sort((a, b) => middle(a) - middle(b) || a - b);
    const knownItems = chosen.map((other) => ({
      name: names[other], href: address(other), note: noted(known.get(other)),
      label: [`${names[other]}, known link`, ...known.get(other).map((kind) => spoken(node, other, kind)).filter(Boolean)].join("; "),
    }));
    const predictedItems = partners.map((partner) => {
      const list = predicted.get(partner);
      const kinds = list.map((i) => 2 * answers.relation[i] + (["tail", "target"].includes(roles.node) && data.directed ? 1 : 0));
      const value = hasProbability ? `probability ${formatProbability(answers.probability[list[0]])}` : `score ${formatScore(answers.score[list[0]])}`;
      return { name: names[partner], href: address(partner), note: noted(kinds), label: [`${names[partner]}, predicted link, ${value}`, ...kinds.map((kind) => spoken(node, partner, kind)).filter(Boolean)].join("; ") };
    });
    const ties = chosen.flatMap((other, i) => tied.get(other).map((j) => [i, j]));
    return { name: names[node], known: knownItems, predicted: predictedItems, ties };
  };

  // -- a node
  let view = null;
  const redraw = () => { if (view) Drawing.neighborhood(byId("neighborhood").querySelector(".drawing"), view); };
  const caption = (node) => {
    const parts = [`Solid: known links${view.known.length < links.degree[node] ? `, ${view.known.length} nodes of ${count(links.degree[node], "link")}` : ""}.`];
    if (view.predicted.length) parts.push("Dashed: the most probable predicted links.");
    if (view.ties.length) parts.push("Grey: known links between the two columns.");
    if (relations) parts.push("An arrow marks relations of the other node to this one.");
    return parts.join(" ");
  };
  const show = (node) => {
    const rows = data.rowsOf(node);
    const fresh = rows.filter((i) => hasAnswer(i) && !answers.known[i]).length;
    title.textContent = names[node];
    document.title = `${names[node]} – ${document.querySelector("h1").textContent}`;
    const side = data.sideOf(node);
    byId("summary").textContent = [...(side ? [side] : []), count(links.degree[node], "known link"), rows.length ? count(fresh, "predicted link") : "no predicted links on this page"].join(" · ");
    fillTable(rows, PAGE);
    view = neighborhoodOf(node, rows);
    byId("neighborhood").hidden = false;
    redraw();
    byId("neighborhood").querySelector("figcaption").textContent = caption(node);
  };
  const follow = (event) => {
    if (location.hash.length > 1 && document.getElementById(location.hash.slice(1))) return;
    const node = location.hash.length > 1 ? data.addressed(location.hash) : data.byWorth()[0] ?? 0;
    if (node === undefined) {
      title.textContent = "No such node";
      byId("summary").textContent = `The page has no node with the name ${data.decoded(location.hash)}.`;
      fillTable([], PAGE);
      view = null;
      byId("neighborhood").hidden = true;
      return;
    }
    show(node);
    if (event) title.focus();
  };
  window.addEventListener("hashchange", follow);

  // -- search
  const LISTED = 8;
  const input = byId("search");
  const list = byId("options");
  let options = [];
  let active = -1;
  let lower = null;
  const matching = (text) => {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return data.byWorth().slice(0, LISTED);
    lower = lower || names.map((name) => name.toLowerCase());
    const groups = [[], [], []]; // the name itself, names that start with it, that contain it
    for (let node = 0; node < lower.length && groups[1].length < 4 * LISTED; node++) {
      const at = lower[node].indexOf(wanted);
      if (at >= 0) { const group = groups[at ? 2 : lower[node].length === wanted.length ? 0 : 1]; if (group.length < 4 * LISTED) group.push(node); }
    }
    const answered = (node) => answers.starts[node + 1] > answers.starts[node];
    return groups.flatMap((group) => group.sort((a, b) => answered(b) - answered(a) || names[a].length - names[b].length)).slice(0, LISTED);
  };
  const close = () => {
    list.hidden = true;
    options = [];
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const activate = (i) => {
    active = i;
    [...list.children].forEach((item, j) => item.setAttribute("aria-selected", String(i === j)));
    input.setAttribute("aria-activedescendant", `page-option-${i}`);
  };
  const choose = (node) => {
    close();
    input.value = "";
    if (location.hash === address(node)) { show(node); title.focus(); } else location.hash = address(node);
  };
  const suggest = () => {
    close();
    options = matching(input.value);
    list.replaceChildren(...options.map((node, i) => {
      const note = [data.sideOf(node), count(links.degree[node], "known link")].filter(Boolean).join(" · ");
      const item = create("li", { role: "option", id: `page-option-${i}`, "aria-selected": "false" }, create("span", {}, names[node]), create("span", {}, note));
      item.addEventListener("mousedown", (event) => event.preventDefault());
      item.addEventListener("click", () => choose(node));
      return item;
    }));
    if (!options.length) list.append(create("li", { role: "option", "aria-disabled": "true" }, create("span", {}, "No name contains this")));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  };
  input.addEventListener("input", () => (input.value.trim() ? suggest() : close()));
  input.addEventListener("click", () => list.hidden && suggest());
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (list.hidden) suggest();
      if (options.length) activate((active + step + options.length + (active < 0 && step < 0 ? 1 : 0)) % options.length);
    } else if (event.key === "Enter" && options.length) {
      event.preventDefault();
      choose(options[Math.max(active, 0)]);
    } else if (event.key === "Escape") close();
  });

  // -- figures follow the width
  const bins = JSON.parse(byId("bins").textContent);
  const drawAll = () => {
    redraw();
    if (byId("reliability")) Drawing.reliability(byId("reliability").querySelector(".drawing"), bins);
  };
  let width = 0;
  window.addEventListener("resize", () => {
    if (width !== window.innerWidth) drawAll();
    width = window.innerWidth;
  });
  if (names.length) follow(null);
  else {
    title.textContent = "There are no answers";
    byId("table").hidden = true;
  }
  drawAll();
  document.querySelector("main").setAttribute("aria-busy", "false");
})();
