// JSON Schema, as far as the API's document uses it, for people: names of types,
// constraints, and an example of everything.

const DEPTH = 6; // where a schema that contains itself is cut

/** A schema with its $ref followed, and what stands beside the $ref added. */
export function resolve(schema, document) {
  if (!schema?.$ref) return schema ?? {};
  const { $ref, ...beside } = schema;
  const target = $ref.replace(/^#\//, "").split("/").reduce((at, key) => at?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], document);
  return { ...resolve(target, document), ...beside };
}

/** "text", "list of Column", "whole number or null", … */
export function typeName(schema, document) {
  const name = schema?.$ref?.split("/").at(-1);
  const full = resolve(schema, document);
  const types = [full.type ?? []].flat();
  const words = types.filter((t) => t !== "null").map((type) => {
    if (type === "array") return `list of ${typeName(full.items, document)}`;
    if (type === "object") return name ?? "object";
    return { string: full.format === "date-time" ? "time" : "text", integer: "whole number", boolean: "true or false" }[type] ?? type;
  });
  if (words.length === 0) words.push(name ?? "anything");
  if (types.includes("null") && types.length > 1 && !types.includes("array")) words.push("null");
  return words.join(" or ");
}

/** What a value must obey beside its type, in words. */
export function constraints(schema, document) {
  const s = resolve(schema, document);
  const out = [];
  if (s.enum) out.push(`one of ${s.enum.join(", ")}`);
  if (s.minimum !== undefined && s.maximum !== undefined) out.push(`${s.minimum} to ${s.maximum}`);
  else if (s.minimum !== undefined) out.push(`at least ${s.minimum}`);
  else if (s.maximum !== undefined) out.push(`at most ${s.maximum}`);
  if (s.maxLength !== undefined) out.push(`at most ${s.maxLength} characters`);
  if (s.maxItems !== undefined) out.push(`at most ${s.maxItems} items`);
  if (s.default !== undefined) out.push(`default ${JSON.stringify(s.default)}`);
  return out.join("; ");
}

/** The properties of an object, of a list's items, or none: [{name, schema, required}], the required ones first. */
export function properties(schema, document) {
  let full = resolve(schema, document);
  while (full.items) full = resolve(full.items, document);
  const all = Object.entries(full.properties ?? {}).map(([name, of]) => ({ name, schema: of, required: full.required?.includes(name) ?? false }));
  return all.sort((a, b) => b.required - a.required);
}

/**
 * A value that the schema allows: its own example where it has one. What is to be
 * sent holds no more than it must, an answer everything it may.
 */
export function example(schema, document, sent, depth = 0) {
  const s = resolve(schema, document);
  const given = own(s) ?? s.default ?? s.enum?.[0];
  if (given !== undefined) return given;
  const type = [s.type ?? []].flat().find((t) => t !== "null");
  if (type === "array") return depth > DEPTH ? [] : [example(s.items, document, sent, depth + 1)];
  if (type === "object" || s.properties) {
    if (depth > DEPTH) return {};
    const fields = properties(s, document).filter((p) => p.required || (sent ? own(resolve(p.schema, document)) !== undefined : depth === 0));
    return Object.fromEntries(fields.map((p) => [p.name, example(p.schema, document, sent, depth + 1)]));
  }
  if (type === "string") return s.format === "date-time" ? "2026-01-02T03:04:05Z" : "text";
  return { integer: 1, number: 1.5, boolean: true }[type] ?? {};
}

function own(schema) { return schema.examples?.[0] ?? schema.example; }
