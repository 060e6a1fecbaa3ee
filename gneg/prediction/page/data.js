"use strict";
// The answers and known links of the page: columns unpacked, nodes by name.
const openData = async (record) => {
  const ARRAYS = { Int32: Int32Array, Float32: Float32Array, Uint8: Uint8Array };
  const unpack = async ({ kind, data }) => {
    const text = atob(data);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new ARRAYS[kind](await new Response(stream).arrayBuffer());
  };
  const unpackAll = async (blocks) => {
    const names = Object.keys(blocks);
    const arrays = await Promise.all(names.map((name) => unpack(blocks[name])));
    return Object.fromEntries(names.map((name, i) => [name, arrays[i]]));
  };
  const { names, relations, roles } = record;
  const answers = await unpackAll(record.answers);
  const links = await unpackAll(record.links);
  const decoder = new TextDecoder();
  const why = (i) => (answers.why ? decoder.decode(answers.why.subarray(answers.whyStarts[i], answers.whyStarts[i + 1])) : "");
  const hasAnswer = (i) => answers.partner[i] >= 0 && answers.relation[i] >= 0;
  const rowsOf = (node) => Array.from({ length: answers.starts[node + 1] - answers.starts[node] }, (_, i) => answers.starts[node] + i);
  const hasProbability = answers.probability.some((value) => !Number.isNaN(value));
  const worth = hasProbability ? answers.probability : answers.score;

  // In a bipartite graph a source and a target may share a name.
  const sideOf = (node) => (record.sources === null ? "" : node < record.sources ? "source" : "target");
  const nodeOf = new Map();
  const order = roles.node === "target" ? [...names.keys()].reverse() : names.keys();
  for (const node of order) if (!nodeOf.has(names[node])) nodeOf.set(names[node], node);
  const address = (node) => "#" + encodeURIComponent(nodeOf.get(names[node]) === node ? names[node] : `${names[node]} (${sideOf(node)})`);
  const decoded = (hash) => {
    try {
      return decodeURIComponent(hash.slice(1));
    } catch { // a percent sign of the name itself
      return hash.slice(1);
    }
  };
  const addressed = (hash) => {
    const name = decoded(hash);
    if (nodeOf.has(name)) return nodeOf.get(name);
    const parts = name.match(/^(.*) \((source|target)\)$/s);
    const same = parts ? names.findIndex((other, node) => other === parts[1] && sideOf(node) === parts[2]) : -1;
    return same < 0 ? undefined : same;
  };
  let ranked = null; // nodes with new answers, those with the most probable ones first
  const byWorth = () => {
    if (ranked) return ranked;
    const best = new Map();
    for (let node = 0; node < names.length; node++) {
      for (let i = answers.starts[node]; i < answers.starts[node + 1]; i++) {
        if (hasAnswer(i) && !answers.known[i] && !(worth[i] <= best.get(node))) best.set(node, worth[i]);
      }
    }
    ranked = [...best.keys()].sort((a, b) => best.get(b) - best.get(a));
    return ranked;
  };
  // Kinds of the known links of a node, by the node at the other end.
  const neighbors = (node) => {
    const kinds = new Map();
    for (let i = links.starts[node]; i < links.starts[node + 1]; i++) kinds.set(links.other[i], [...(kinds.get(links.other[i]) || []), links.kind[i]]);
    return kinds;
  };
  return { names, relations, roles, answers, links, why, hasAnswer, rowsOf, hasProbability, worth, directed: record.directed, sideOf, address, addressed, decoded, byWorth, neighbors };
};
