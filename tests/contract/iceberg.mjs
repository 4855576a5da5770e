// Reads a table by its metadata file with icebird, a reader of Iceberg in JavaScript,
// and prints what it sees: the fields, and a line of JSON for each row.
import { icebergMetadata, icebergRead } from 'icebird'
import { inflated } from './avro.mjs'

const plainFetch = globalThis.fetch
globalThis.fetch = async (url, init) => {
  const answer = await plainFetch(url, init)
  return String(url).endsWith('.avro') ? new Response(inflated(Buffer.from(await answer.arrayBuffer()))) : answer
}

const [location] = process.argv.slice(2)
const at = location.lastIndexOf('/metadata/')
const tableUrl = location.slice(0, at)
const metadata = await icebergMetadata({ tableUrl, metadataFileName: location.slice(at + '/metadata/'.length) })
const rows = await icebergRead({ tableUrl, metadata })

const shown = (_, value) => {
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  return value === undefined ? null : value
}
const schema = metadata.schemas.find(s => s['schema-id'] === metadata['current-schema-id'])
console.log(JSON.stringify({ fields: schema.fields.map(f => `${f.name} ${f.type}`), snapshots: metadata.snapshots.length, rows }, shown))
