// Drives @umami/node as an application would: { url, key, each } on standard input.
import { readFileSync } from 'node:fs'
import { Umami } from '@umami/node'

const { url, key, each } = JSON.parse(readFileSync(0, 'utf8'))
const client = new Umami({ websiteId: key, hostUrl: url })
for (let n = 0; n < each; n++) {
  const answers = [await client.track('ordered', { n }), await client.track({ url: `/${n}`, data: { n } }), await client.identify({ n })]
  if (answers.some((a) => a.status !== 200)) process.exitCode = 1
}
