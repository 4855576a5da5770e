// What reads what, from left to right: datasets first, and each model behind all that it reads.

const BOX = { width: 200, height: 66 }, GAP = { x: 56, y: 18 }, EDGE = 2;
const LETTERS = 18; // of a name that fit into a box

function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) if (value != null && value !== false) element.setAttribute(name, value);
  element.append(...children.flat().filter(Boolean));
  return element;
}

/**
 * Places models, each behind what it reads, and what they read: nodes by name. A line past other boxes goes through
 * bends, which have no box, so that it runs behind none.
 */
export function placed(models) {
  const nodes = new Map(), layers = [];
  const add = (node) => {
    nodes.set(node.name, node);
    (layers[node.layer] ??= []).push(node);
  };
  const bend = (name, layer) => { // through which a line comes to the next layer
    const from = nodes.get(name);
    if (from.layer === layer) return name;
    const at = `${name} ${layer}`; // which names no dataset
    if (!nodes.has(at)) add({ name: at, of: name, layer, inputs: [bend(name, layer - 1)] });
    return at;
  };
  for (const m of models) { // each follows what it reads
    for (const name of m.sources) if (!nodes.has(name)) add({ name, of: name, layer: 0, inputs: [] });
    const reads = [...m.sources, ...m.models], layer = 1 + Math.max(0, ...reads.map((name) => nodes.get(name).layer));
    add({ name: m.name, of: m.name, model: m, layer, inputs: reads.map((name) => bend(name, layer - 1)) });
  }
  const middle = ({ inputs }) => inputs.reduce((sum, name) => sum + nodes.get(name).row, 0) / inputs.length;
  layers.forEach((layer, at) => { // near what it reads, so that few lines cross
    if (at > 0) layer.sort((a, b) => middle(a) - middle(b));
    layer.forEach((node, row) => { node.row = row - (layer.length - 1) / 2; });
  });
  const tallest = Math.max(...layers.map((l) => l.length));
  for (const node of nodes.values()) {
    node.x = EDGE + node.layer * (BOX.width + GAP.x);
    node.y = EDGE + (node.row + (tallest - 1) / 2) * (BOX.height + GAP.y);
  }
  return { nodes, width: layers.length * (BOX.width + GAP.x) - GAP.x + 2 * EDGE, height: tallest * (BOX.height + GAP.y) - GAP.y + 2 * EDGE };
}

/** Draws models. href tells the address of a node, notes its two lines of words. */
export function graph(models, { chosen, href, notes }) {
  const { nodes, width, height } = placed(models);
  const all = [...nodes.values()], read = models.find((m) => m.name === chosen);
  const near = (from, to) => from.of === chosen || to.name === chosen || to.name !== to.of && [read?.models, read?.sources].some((names) => names?.includes(to.of));
  const lines = all.flatMap((to) => to.inputs.map((name) => line(nodes.get(name), to, near(nodes.get(name), to))));
  return s("svg", { width, height, viewBox: `0 0 ${width} ${height}` }, lines, all.filter((n) => n.name === n.of).map((node) => box(node, { chosen, href, notes })));
}

function line(from, to, near) {
  const x = from.x + BOX.width, y = from.y + BOX.height / 2, end = to.y + BOX.height / 2, bend = (to.x - x) / 2;
  const across = to.name === to.of ? "" : `h${BOX.width}`;
  return s("path", { class: near ? "line near" : "line", d: `M${x} ${y}C${x + bend} ${y} ${to.x - bend} ${end} ${to.x} ${end}${across}` });
}

function box(node, { chosen, href, notes }) {
  const { name, model, x, y } = node, [first, second] = notes(node);
  const at = (className, dy, text) => s("text", { class: className, x: x + 16, y: y + dy }, text);
  const state = model ? model.status?.outcome ?? "never" : "dataset";
  return s("a", { href: href(node), class: `box ${state}`, "aria-current": name === chosen && "true", "aria-label": [name, first, second].filter(Boolean).join(", ") },
    s("title", {}, name),
    s("rect", { class: "sheet", x, y, width: BOX.width, height: BOX.height, rx: 8 }),
    model && s("rect", { class: "sign", x: x + 6, y: y + 10, width: 3, height: BOX.height - 20, rx: 1.5 }),
    at("name", 23, name.length > LETTERS ? `${name.slice(0, LETTERS - 1)}…` : name), at("note", 40, first), second && at("note outcome", 56, second));
}
