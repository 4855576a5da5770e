/**
 * Runs work again and again while the page is visible, and returns a function that
 * stops it. work resolves to whether anything changed: a quiet server is asked less
 * and less often, from every `least` ms to every `most`, a failing one too.
 */
export function poll(work, { least = 1000, most = 5000, growth = 1.1 } = {}) {
  const stopping = new AbortController();
  const { signal } = stopping;
  let wait = least, failures = 0;

  async function turn() {
    if (document.hidden) {
      document.addEventListener("visibilitychange", turn, { once: true, signal });
      return;
    }
    let pause;
    try {
      const changed = await work(signal);
      failures = 0;
      pause = wait = changed ? least : Math.min(wait * growth, most);
    } catch (e) {
      pause = Math.max((e.retryAfter ?? 0) * 1000, Math.min(1000 * 2 ** failures++, 30_000));
    }
    if (!signal.aborted) setTimeout(turn, pause);
  }

  turn();
  return () => stopping.abort();
}
