// What an application tells an analytics SDK: so many of each call, numbered.
export function tell(analytics, each) {
  for (let n = 0; n < each; n++) {
    const userId = `u${n}`
    analytics.track({ userId, event: 'ordered', properties: { n, price: n / 4 } })
    analytics.identify({ userId, traits: { n, email: `u${n}@example.com` } })
    analytics.page({ userId, name: 'Home', properties: { n } })
    analytics.screen({ userId, name: 'Home', properties: { n } })
    analytics.group({ userId, groupId: `g${n}`, traits: { n } })
    analytics.alias({ userId, previousId: `visitor-${n}` })
  }
}
