// Drives posthog-node as an application would: { url, key, from, each } on standard input. Which
// capture protocol it speaks, POSTHOG_CAPTURE_MODE says.
import { readFileSync } from 'node:fs'
import { PostHog } from 'posthog-node'

const { url, key, from, each } = JSON.parse(readFileSync(0, 'utf8'))
const awake = setInterval(() => {}, 1000) // the client's own timers let the process end
const client = new PostHog(key, { host: url, flushAt: 25, fetchRetryCount: 500, fetchRetryDelay: 20 })
let problems = 0
client.on('error', (problem) => {
  console.error(problem.name, problem.message, ...(problem.drops ?? []).map((d) => d.details))
  problems++
})
for (let tries = 0; tries < 100; tries++) {
  problems = 0
  if (Object.keys(await client.getAllFlags('u0')).length > 0) process.exitCode = 1
  if (problems === 0) break
  await new Promise((resolve) => setTimeout(resolve, 100))
}
if (problems > 0) process.exitCode = 1
for (let n = from; n < from + each; n++) {
  const distinctId = `u${n}`
  client.capture({ distinctId, event: 'ordered', properties: { n, price: n / 4, $session_id: 's1' } })
  client.identify({ distinctId, properties: { n } })
  client.alias({ distinctId, alias: `visitor-${n}` })
  client.groupIdentify({ groupType: 'company', groupKey: `g${n}`, properties: { n }, distinctId })
}
client.capture({ distinctId: 'u0', event: 'x'.repeat(300) }) // can never be stored
for (let tries = 0; tries < 10; tries++) {
  try {
    await client.flush()
    break
  } catch (problem) {
    console.error(problem.name)
  }
}
await client.shutdown()
clearInterval(awake)
