/** The name of a program and its system, from what it says of itself (RFC 9110, section 10.1.5). */

/** In the order in which to look: each of them also names those after it. */
const BROWSERS: [RegExp, string][] = [
  [/\bEdg(?:A|iOS)?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/(?:Chrome|\bCriOS)\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/\bAndroid\b/, "Android"],
  [/\b(?:iPhone|iPad)\b/, "iOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];

const found = (names: [RegExp, string][], text: string): string | undefined => names.find(([pattern]) => pattern.test(text))?.[1];

/** Browser and system, such as `Firefox, Linux`; the first word of what another program says. */
export function programName(said: string): string {
  const browser = found(BROWSERS, said);
  if (!browser) return said.split(" ")[0] ?? said;
  return [browser, found(SYSTEMS, said)].filter(Boolean).join(", ");
}
