"use strict";
// Figures as SVG: the neighbourhood of a node, and the reliability of probabilities.
const Drawing = (() => {
  const NAMESPACE = "http://www.w3.org/2000/svg";
  const element = (name, attributes = {}, ...children) => {
    const node = document.createElementNS(NAMESPACE, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  const svg = (width, height, label, role) => element("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role, "aria-label": label });

  const ruler = document.createElement("canvas").getContext("2d");
  const measure = (text, size) => {
    ruler.font = `${size}px ${getComputedStyle(document.body).fontFamily}`;
    return ruler.measureText(text).width;
  };
  const shorten = (text, width, size) => {
    if (measure(text, size) <= width) return text;
    const letters = [...text.slice(0, 200)];
    let [low, high] = [0, letters.length];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (measure(letters.slice(0, middle).join("") + "…", size) <= width) low = middle;
      else high = middle - 1;
    }
    return letters.slice(0, low).join("") + "…";
  };

  // view: {name, known, predicted, ties}; known and predicted: [{name, href, note, label}] from top
  // to bottom; ties: [[place in known, place in predicted]].
  const neighborhood = (box, view) => {
    const width = Math.max(box.clientWidth, 240);
    const noted = [...view.known, ...view.predicted].some((item) => item.note);
    const step = noted ? 38 : 27;
    const top = 78;
    const rows = Math.max(view.known.length, view.predicted.length, 1);
    const height = top + rows * step;
    const wanted = Math.max(...[...view.known, ...view.predicted].map((item) => Math.max(measure(item.name, 13), measure(item.note, 12))), 70);
    const side = Math.min(wanted + 14, (width - Math.max(110, 0.32 * width)) / 2);
    const center = [width / 2, 34];
    const place = (list, i) => [list === "known" ? side : width - side, top + step * (i + 0.5)];
    const drawing = svg(width, height, `Neighbourhood of ${view.name}`, "group");
    const lines = element("g");
    const lineOf = new Map();
    const draw = (kind, path, ends) => {
      const line = element("path", { class: kind, d: path });
      lines.append(line);
      for (const end of ends) lineOf.set(end, [...(lineOf.get(end) || []), line]);
    };
    for (const [i, j] of view.ties) {
      const [[x, y], [u, v]] = [place("known", i), place("predicted", j)];
      draw("tie", `M${x + 10},${y}C${x + 50},${y} ${u - 50},${v} ${u - 10},${v}`, [`known ${i}`, `predicted ${j}`]);
    }
    for (const list of ["known", "predicted"]) {
      const inward = list === "known" ? 1 : -1;
      view[list].forEach((_, i) => {
        const [x, y] = place(list, i);
        draw(`spoke ${list}`, `M${center[0]},${center[1]}Q${x + 0.25 * (center[0] - x)},${y} ${x + 10 * inward},${y}`, [`${list} ${i}`]);
      });
    }
    drawing.append(lines);
    drawing.append(element("circle", { class: "dot center", cx: center[0], cy: center[1], r: 7 }));
    drawing.append(element("text", { class: "name", x: center[0], y: 17, "text-anchor": "middle", "font-weight": 600 }, shorten(view.name, width - 8, 14)));
    for (const [list, title] of [["known", "Known"], ["predicted", "Predicted"]]) {
      const x = list === "known" ? side : width - side;
      const anchor = list === "known" ? "end" : "start";
      drawing.append(element("text", { class: "soft", x, y: top - 10, "text-anchor": anchor }, view[list].length ? title : `No ${list} link`));
      view[list].forEach((item, i) => {
        const [, y] = place(list, i);
        const inset = list === "known" ? -2 : 2;
        const link = element("a", { href: item.href, "aria-label": item.label, "data-list": list });
        link.append(element("title", {}, item.label));
        link.append(element("rect", { x: list === "known" ? 0 : width - side - 8, y: y - step / 2, width: side + 8, height: step, fill: "transparent" }));
        link.append(element("circle", { class: `dot ${list}`, cx: x + (list === "known" ? 6 : -6), cy: y, r: 4.5 }));
        link.append(element("text", { x: x + inset, y: y + (item.note ? -2 : 4.5), "text-anchor": anchor }, shorten(item.name, side - 6, 13)));
        if (item.note) link.append(element("text", { class: "soft", x: x + inset, y: y + 13, "text-anchor": anchor }, shorten(item.note, side - 6, 12)));
        const light = (on) => {
          lines.classList.toggle("faded", on);
          for (const line of lineOf.get(`${list} ${i}`) || []) line.classList.toggle("lit", on);
        };
        for (const [event, on] of [["mouseenter", true], ["mouseleave", false], ["focus", true], ["blur", false]]) link.addEventListener(event, () => light(on));
        drawing.append(link);
      });
    }
    box.replaceChildren(drawing);
  };

  const power = (exponent) => (exponent >= -3 ? String(Number((10 ** exponent).toPrecision(1))) : `1e${exponent}`);

  // bins: [{probability, observed, links}]
  const reliability = (box, bins) => {
    const seen = bins.filter((bin) => bin.probability > 0 && bin.observed > 0);
    if (!seen.length) return;
    const values = seen.flatMap((bin) => [bin.probability, bin.observed]);
    const low = Math.floor(Math.log10(Math.min(...values)));
    const high = Math.max(Math.ceil(Math.log10(Math.max(...values))), low + 1);
    const width = Math.min(Math.max(box.clientWidth, 240), 520);
    const height = Math.min(width * 0.78, 380);
    const [left, right, top, bottom] = [70, 12, 10, 46];
    const x = (value) => left + ((Math.log10(value) - low) / (high - low)) * (width - left - right);
    const y = (value) => height - bottom - ((Math.log10(value) - low) / (high - low)) * (height - top - bottom);
    const words = seen.map((bin) => `${bin.probability.toPrecision(2)}: ${bin.observed.toPrecision(2)}`).join(", ");
    const drawing = svg(width, height, `Reliability, mean probability: observed share. ${words}`, "img");
    const every = Math.ceil((high - low) / 6);
    for (let exponent = low; exponent <= high; exponent += every) {
      const at = 10 ** exponent;
      drawing.append(element("line", { class: "grid", x1: x(at), x2: x(at), y1: top, y2: height - bottom }));
      drawing.append(element("line", { class: "grid", x1: left, x2: width - right, y1: y(at), y2: y(at) }));
      drawing.append(element("text", { class: "soft", x: x(at), y: height - bottom + 18, "text-anchor": "middle" }, power(exponent)));
      drawing.append(element("text", { class: "soft", x: left - 8, y: y(at) + 4, "text-anchor": "end" }, power(exponent)));
    }
    drawing.append(element("line", { class: "diagonal", x1: x(10 ** low), y1: y(10 ** low), x2: x(10 ** high), y2: y(10 ** high) }));
    drawing.append(element("polyline", { class: "curve", points: seen.map((bin) => `${x(bin.probability)},${y(bin.observed)}`).join(" ") }));
    for (const bin of seen) {
      const title = `probability ${bin.probability.toPrecision(3)}, observed ${bin.observed.toPrecision(3)}, ${bin.links.toLocaleString("en")} held out`;
      drawing.append(element("circle", { class: "point", cx: x(bin.probability), cy: y(bin.observed), r: 5.5 }, element("title", {}, title)));
    }
    drawing.append(element("text", { class: "soft", x: left + (width - left - right) / 2, y: height - 8, "text-anchor": "middle" }, "mean probability"));
    drawing.append(element("text", { class: "soft", transform: `translate(11 ${(height - bottom + top) / 2}) rotate(-90)`, "text-anchor": "middle" }, "observed share"));
    box.replaceChildren(drawing);
  };
  return { neighborhood, reliability };
})();
