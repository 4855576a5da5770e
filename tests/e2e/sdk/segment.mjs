// Drives @segment/analytics-node as an application would: { url, key, from, each } on standard input.
import { readFileSync } from 'node:fs'
import { Analytics } from '@segment/analytics-node'
import { tell } from './calls.mjs'

const { url, key, from, each } = JSON.parse(readFileSync(0, 'utf8'))
const analytics = new Analytics({ writeKey: key, host: url, flushAt: 60, maxRetries: 100 })
analytics.on('error', (problem) => {
  console.error(problem)
  process.exitCode = 1
})
tell(analytics, from, each)
await analytics.closeAndFlush({ timeout: 120_000 })
