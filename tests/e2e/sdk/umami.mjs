// Drives @umami/node as an application would: { url, key, from, each } on standard input. It
// sends nothing again by itself. What was told not to be taken is sent again here; events
// have no ids, so that of which nothing was told is printed and left.
import { readFileSync } from 'node:fs'
import { Umami } from '@umami/node'

const { url, key, from, each } = JSON.parse(readFileSync(0, 'utf8'))
const client = new Umami({ websiteId: key, hostUrl: url })

async function send(name, n, call) {
  for (let tries = 0; tries < 500; tries++) {
    const { status } = await call().catch(() => ({ status: 0 }))
    if (status === 200) return
    if (![413, 429, 503].includes(status)) return console.log(name, n)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('never taken')
}

for (let n = from; n < from + each; n++) {
  await send('ordered', n, () => client.track('ordered', { n }))
  await send('pageview', n, () => client.track({ url: `/${n}`, data: { n } }))
  await send('identify', n, () => client.identify({ n }))
}
