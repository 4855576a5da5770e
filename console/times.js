// Times by the clock of a zone, and the zones that there are.

/** The zones that the browser knows, by name. */
export const zones = () => ["UTC", ...(Intl.supportedValuesOf?.("timeZone") ?? [])];

/** The reader's own zone. */
export const here = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** A tick {utc, local} as a zone's clock shows it: "Mon, 23 Nov, 02:30". */
export function clock({ utc, local }, zone) {
  const at = new Date(utc);
  const far = Math.abs(at - Date.now()) > 300 * 86_400_000;
  try {
    return new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", ...far && { year: "numeric" }, hour: "2-digit", minute: "2-digit", timeZone: zone || "UTC" }).format(at);
  } catch { // a zone that the browser does not know
    return local;
  }
}
