// Drives Snowplow's tracker as an application would: { url, key, from, each } on standard input.
import { readFileSync } from 'node:fs'
import { buildPageView, buildSelfDescribingEvent, buildStructEvent, newTracker } from '@snowplow/node-tracker'

const { url, key, from, each } = JSON.parse(readFileSync(0, 'utf8'))
let told = 0
const tracker = newTracker(
  { namespace: 'tests', appId: 'shop' },
  {
    endpoint: url,
    customHeaders: { Authorization: `Bearer ${key}` },
    bufferSize: 25,
    maxPostBytes: 10000,
    eventMethod: process.env.METHOD ?? 'post',
    onRequestSuccess: (events) => (told += events.length),
    onRequestFailure: ({ status, message, willRetry }) => {
      console.error(status, message)
      if (!willRetry) process.exit(1)
    },
  },
)
const ordered = (n, name) => buildSelfDescribingEvent({ event: { schema: `iglu:com.acme/${name}/jsonschema/1-0-0`, data: { price: n / 4 } } })
for (let n = from; n < from + each; n++) {
  tracker.setUserId(`u${n}`)
  tracker.setDomainUserId(`visitor-${n}`)
  const entities = [{ schema: 'iglu:com.acme/cart/jsonschema/1-0-0', data: { n } }]
  tracker.track(buildPageView({ pageUrl: `https://shop.example/${n}`, pageTitle: 'Zürich' }), entities)
  tracker.track(buildStructEvent({ category: 'shop', action: 'add', value: n }))
  tracker.track(ordered(n, 'ordered'))
  tracker.track(ordered(n, 'paid'), entities, { type: 'ttm', value: Date.UTC(2026, 0, 2) + n })
}
tracker.track(ordered(0, 'x'.repeat(300))) // can never be stored
for (let tries = 0; tries < 20_000 && told < 4 * each + 1; tries++) {
  await tracker.flush()
  await new Promise((done) => setTimeout(done, 5)) // another flush may be under way
}
if (told < 4 * each + 1) process.exitCode = 1
