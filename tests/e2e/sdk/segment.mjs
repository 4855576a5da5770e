// Drives @segment/analytics-node as an application would: { url, key, each } on standard input.
import { readFileSync } from 'node:fs'
import { Analytics } from '@segment/analytics-node'
import { tell } from './calls.mjs'

const { url, key, each } = JSON.parse(readFileSync(0, 'utf8'))
const analytics = new Analytics({ writeKey: key, host: url, flushAt: 25 })
analytics.on('error', (problem) => {
  console.error(problem)
  process.exitCode = 1
})
tell(analytics, each)
await analytics.closeAndFlush()
