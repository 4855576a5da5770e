// The kinds of connectors that the server has, as its own document names them.

import { call } from "./api.js";

let known = null;

/** The kinds there are. The document is large, and asked for once. */
export function kinds() {
  known ??= call("GET", "openapi.json").then((d) => d.components.schemas.ConnectorsSpec.properties.kind.enum).catch((e) => { known = null; throw e; });
  return known;
}

// What is known beyond the name; a kind that is not here works all the same.
const KNOWN = {
  postgres: { title: "PostgreSQL", example: "postgres://reader:password@db.example.com:5432/shop?sslmode=verify-full" },
  mysql: { title: "MySQL, MariaDB", example: "mysql://reader:password@db.example.com:3306/shop?tls=verify-full" },
  sqlserver: { title: "SQL Server", example: "sqlserver://reader:password@db.example.com:1433/shop?encrypt=true" },
  mongodb: { title: "MongoDB", example: "mongodb://reader:password@db.example.com:27017/shop" },
  http: { title: "HTTP API", example: "https://user:secret@api.example.com/v2/" },
  files: { title: "Files: S3, HTTPS, Google Sheets", example: "s3://KEY:SECRET@bucket/folder?region=eu-central-1" },
};

const SCHEMES = { "postgresql": "postgres", "mongodb+srv": "mongodb", "s3": "files" };

/** The kind that a connection string is of, if it tells. */
export function kindOf(dsn) {
  const scheme = dsn.match(/^([a-z0-9+]+):\/\//)?.[1];
  const kind = SCHEMES[scheme] ?? scheme;
  return kind in KNOWN && kind !== "http" ? kind : null;
}

export const titleOf = (kind) => KNOWN[kind]?.title ?? kind;
export const exampleOf = (kind) => KNOWN[kind]?.example ?? "";
