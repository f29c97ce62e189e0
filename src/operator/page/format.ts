/** How times and spans read on the page. */

const locale = 'en-AU';
const formats = new Map<string, Intl.DateTimeFormat>();

function formatted(instant: string | Date, timezone: string, options: Intl.DateTimeFormatOptions): string {
  const key = `${timezone} ${JSON.stringify(options)}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(locale, { ...options, timeZone: timezone, hourCycle: 'h23' });
    formats.set(key, format);
  }
  return format.format(new Date(instant));
}

/** `14:03:09` */
export function clockTime(instant: string | Date, timezone: string): string {
  return formatted(instant, timezone, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

/** `14:00` */
export function hourOf(instant: string | Date, timezone: string): string {
  return formatted(instant, timezone, { hour: '2-digit', minute: '2-digit' });
}

/** `Thu 26 Nov` */
export function dayName(instant: string | Date, timezone: string): string {
  return formatted(instant, timezone, { weekday: 'short', day: 'numeric', month: 'short' }).replaceAll(
    ',',
    '',
  );
}

/** `26 Nov 2026, 14:03:09` */
export function fullTime(instant: string | Date, timezone: string): string {
  return `${formatted(instant, timezone, { day: 'numeric', month: 'short', year: 'numeric' })}, ${clockTime(instant, timezone)}`;
}

/** `850 ms`, `3.2 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h` */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  const two = (first: string, second: number, unit: string) =>
    second > 0 ? `${first} ${second} ${unit}` : first;
  if (days > 0) return two(`${days} d`, hours, 'h');
  if (hours > 0) return two(`${hours} h`, minutes, 'min');
  if (minutes > 0) return two(`${minutes} min`, seconds % 60, 's');
  return `${seconds} s`;
}
