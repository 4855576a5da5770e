// Drives @rudderstack/rudder-sdk-node as an application would: { url, key, each } on standard input.
import { readFileSync } from 'node:fs'
import Analytics from '@rudderstack/rudder-sdk-node'
import { tell } from './calls.mjs'

const { url, key, each } = JSON.parse(readFileSync(0, 'utf8'))
const analytics = new Analytics(key, {
  dataPlaneUrl: url,
  flushAt: 25,
  errorHandler: (problem) => {
    console.error(problem)
    process.exitCode = 1
  },
})
tell(analytics, each)
for (;;) {
  await analytics.flush()
  if (analytics.queue.length === 0) break
}
