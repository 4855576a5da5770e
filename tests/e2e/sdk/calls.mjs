// What an application tells an analytics SDK: so many of each call, numbered from some number.
export function tell(analytics, from, each) {
  for (let n = from; n < from + each; n++) {
    const userId = `u${n}`
    analytics.track({ userId, event: 'ordered', properties: { n, price: n / 4 } })
    analytics.identify({ userId, traits: { n, email: `u${n}@example.com` } })
    analytics.page({ userId, name: 'Home', properties: { n } })
    analytics.screen({ userId, name: 'Home', properties: { n } })
    analytics.group({ userId, groupId: `g${n}`, traits: { n } })
    analytics.alias({ userId, previousId: `visitor-${n}` })
  }
}
