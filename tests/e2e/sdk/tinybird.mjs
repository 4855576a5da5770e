// Drives @tinybirdco/sdk as an application would: { url, key, into, from, each } on standard input. What
// the SDK leaves to the application, it deals with: broken connections, requests that are
// too large, answers of a gateway.
import { readFileSync } from 'node:fs'
import { createTinybirdApi } from '@tinybirdco/sdk'

const { url, key, into, from, each } = JSON.parse(readFileSync(0, 'utf8'))
const api = createTinybirdApi({ baseUrl: url, token: key })

async function send(rows, tries = 500) {
  try {
    return await api.ingestBatch(into, rows, { maxRetries: 10 })
  } catch (problem) {
    console.error(problem.message)
    if (tries === 0 || (problem.statusCode < 500 && problem.statusCode !== 413)) throw problem
    await new Promise((resolve) => setTimeout(resolve, 20))
    if (problem.statusCode !== 413 || rows.length === 1) return send(rows, tries - 1)
    const half = Math.ceil(rows.length / 2)
    const [a, b] = [await send(rows.slice(0, half), tries - 1), await send(rows.slice(half), tries - 1)]
    return { successful_rows: a.successful_rows + b.successful_rows, quarantined_rows: a.quarantined_rows + b.quarantined_rows }
  }
}

const time = (n) => new Date(Date.UTC(2026, 0, 2) + n).toISOString().replace('T', ' ').slice(0, 23)
const rows = Array.from({ length: 4 * each }, (_, i) => {
  const n = 4 * from + i
  return { timestamp: time(n), event: 'ordered', user_id: `u${n}`, n, price: n / 4 }
})
rows.push({ timestamp: 'whenever' }) // can never be stored
for (let at = 0; at < rows.length; at += 25) await send(rows.slice(at, at + 25))
