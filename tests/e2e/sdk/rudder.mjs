// Drives @rudderstack/rudder-sdk-node as an application would: { url, key, from, each } on standard input.
import { readFileSync } from 'node:fs'
import Analytics from '@rudderstack/rudder-sdk-node'
import { tell } from './calls.mjs'

const { url, key, from, each } = JSON.parse(readFileSync(0, 'utf8'))
const analytics = new Analytics(key, {
  dataPlaneUrl: url,
  flushAt: 25,
  retryCount: 500,
  axiosRetryConfig: { retryDelay: () => 20 },
  errorHandler: (problem) => {
    console.error(problem)
    process.exitCode = 1
  },
})
tell(analytics, from, each)
for (;;) {
  await analytics.flush()
  if (analytics.queue.length === 0) break
}
