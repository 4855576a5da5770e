// Drives @cubejs-client/core as an application would: { url, token, calls } on standard
// input, each call a method, its arguments and what to take of the result; a list of
// what came on standard output, for each call a value or the text of an error.
import { readFileSync } from 'node:fs'
import cube from '@cubejs-client/core'

const { url, token, calls } = JSON.parse(readFileSync(0, 'utf8'))
const api = cube(token, { apiUrl: `${url}/cubejs-api/v1`, pollInterval: 0.1 })

const take = {
  itself: (r) => r,
  rows: (r) => r.rawData(),
  rowsOfEach: (r) => r.decompose().map((one) => one.rawData()),
  table: (r) => r.tablePivot(),
  chart: (r) => r.chartPivot(),
  series: (r) => r.series(),
  columns: (r) => r.tableColumns().map((c) => [c.key, c.title, c.type]),
  total: (r) => r.totalRows(),
  text: (r) => r.sql(),
  members: (r) => r.cubes.map((c) => [c.name, c.measures.map((m) => [m.name, m.type, m.aggType]), c.dimensions.map((d) => [d.name, d.type])]),
  resolved: (r) => r.resolveMember('shop.income', 'measures').title,
}

const out = []
for (const { method, args, of } of calls) {
  let waits = 0
  try {
    const options = { progressCallback: () => { waits++ } }
    const result = await api[method](...args.map((a) => (a === 'options' ? options : a)))
    const value = take[of ?? 'itself'](result)
    out.push(args.includes('options') ? { value, waited: waits > 0 } : value)
  } catch (problem) {
    out.push({ error: problem.message, status: problem.status })
  }
}
console.log(JSON.stringify(out))
