// Drives the npm package cloudevents as an application would: { url, key, from, each } on standard
// input. It makes messages of events; to send them, and again, is the application's.
import { readFileSync } from 'node:fs'
import { CloudEvent, HTTP } from 'cloudevents'

const { url, key, from, each } = JSON.parse(readFileSync(0, 'utf8'))

async function send({ headers, body }, tries = 500) {
  let status
  try {
    const answer = await fetch(`${url}/v1/cloudevents`, { method: 'POST', headers: { ...headers, authorization: `Bearer ${key}` }, body })
    status = answer.status
    await answer.text()
  } catch {
    status = 0
  }
  if (status === 200) return
  console.error(status)
  if (tries === 0) throw new Error(`answered ${status}`)
  await new Promise((resolve) => setTimeout(resolve, 20))
  await send({ headers, body }, tries - 1)
}

const event = (id, more) => new CloudEvent({ id, source: '/clients/npm', type: 'ordered', time: '2026-01-02T03:04:05.678Z', subject: id, ...more }, false)
const batch = []
for (let n = from; n < from + each; n++) {
  await send(HTTP.binary(event(`binary-${n}`, { data: { n, price: n / 4 } })))
  await send(HTTP.structured(event(`structured-${n}`, { data: { n, price: n / 4 }, region: 'eu' })))
  await send(HTTP.structured(event(`bytes-${n}`, { data: new Uint8Array([n, 255]), datacontenttype: 'application/octet-stream' })))
  batch.push(event(`batch-${n}`, { data: { n, price: n / 4 } }))
}
batch.push(event('refused', { type: '' })) // can never be stored
await send({ headers: { 'content-type': 'application/cloudevents-batch+json' }, body: JSON.stringify(batch) })
