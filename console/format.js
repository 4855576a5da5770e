// Numbers, sizes and times as the reader's language writes them.

const whole = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const minute = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const month = new Intl.DateTimeFormat(undefined, { month: "short", year: "numeric" });
const hour = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

export const count = (n) => whole.format(n);
export const compact = (n) => (Math.abs(n) < 10_000 ? whole.format(n) : short.format(n));
export const date = (time) => day.format(new Date(time));
export const when = (time) => moment.format(new Date(time));

/** "1 event", "2 events". */
export const events = (n) => `${count(n)} ${n === 1 ? "event" : "events"}`;

/** A bucket's start, no finer than its grain. */
export function bucket(time, grain) {
  const format = { minute, hour, day, week: day, month }[grain];
  return format ? format.format(time) : String(time.getFullYear());
}

/** A size in bytes. */
export function bytes(n) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (n >= 1000 && unit < units.length - 1) { n /= 1000; unit++; }
  return `${n >= 100 || unit === 0 ? Math.round(n) : n.toFixed(1)} ${units[unit]}`;
}

/** A time that passes, in seconds: "7 s", "3 min", "2 h 5 min". */
export function duration(seconds) {
  const s = Math.round(seconds);
  if (s < 90) return `${s} s`;
  const minutes = Math.round(s / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** How long ago: "5 minutes ago", "yesterday". */
export function ago(time) {
  const seconds = (new Date(time) - Date.now()) / 1000;
  const [unit, length] = [["day", 86_400], ["hour", 3600], ["minute", 60]].find(([, n]) => Math.abs(seconds) >= n) ?? ["second", 1];
  return relative.format(Math.round(seconds / length), unit);
}
