/** Times and dates as people read them. */

/** A moment of a recording: `12:04`, or `1:12:08` from an hour on. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, place) => (place ? String(part).padStart(2, "0") : String(part))).join(":");
}

/** A moment as it stands in an address: `1h12m8s`, `12m4s`, `8s`, or plain seconds. Undefined where it is none. */
export function momentOf(text: string | null): number | undefined {
  const found = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?$/.exec(text ?? "");
  if (!text || !found) return undefined;
  return Number(found[1] ?? 0) * 3600 + Number(found[2] ?? 0) * 60 + Number(found[3] ?? 0);
}

/** A moment as an address names it: `1h12m8s`, `12m4s`, `8s`. */
export function momentText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [`${Math.floor(whole / 3600)}h`, `${Math.floor(whole / 60) % 60}m`, `${whole % 60}s`];
  return parts.slice(whole >= 3600 ? 0 : whole >= 60 ? 1 : 2).join("");
}

/** How long something is: `1 h 12 min`, `7 min`, `48 s`. */
export function lasting(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A day in the language of the page. */
export function day(iso: string, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(new Date(iso));
}

/** A day of the calendar, as the API has it: the same in every time zone. */
export function calendarDay(date: string, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(date));
}

/** A day with its time, in the language of the page. */
export function dayAndTime(iso: string, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
}

/** The name of a language in the language of the page; its code where it has no name. */
export function languageName(code: string, language: string): string {
  return new Intl.DisplayNames([language], { type: "language" }).of(code) ?? code;
}
