/** The language of the page: chosen once, else that of the browser, else English. */
import type { FirstWords, Key, LaterWords, Words } from "./en";

export type Language = "en" | "de";

export const LANGUAGES: Record<Language, string> = { en: "English", de: "Deutsch" };
/** Words come when their language is first spoken, so that nobody loads those of a language not read. */
const FIRST: Record<Language, () => Promise<FirstWords>> = {
  en: async () => (await import("./en")).en,
  de: async () => (await import("./de")).de,
};
/** One of them, which tells whether they are there. */
const LAST_OF_LATER: keyof LaterWords = "cancel";
/** Those that neither the frame nor a recording needs. */
const LATER: Record<Language, () => Promise<LaterWords>> = {
  en: async () => (await import("./later.en")).later,
  de: async () => (await import("./later.de")).later,
};
const KEPT = "echoic-language";

const isLanguage = (text: string | undefined | null): text is Language => !!text && text in LANGUAGES;

function first(): Language {
  const kept = localStorage.getItem(KEPT);
  if (isLanguage(kept)) return kept;
  return navigator.languages.map((tag) => tag.slice(0, 2)).find(isLanguage) ?? "en";
}

export const spoken = $state<{ language: Language }>({ language: "en" });
let words = $state.raw<Partial<Words>>({});
let areLaterWanted = false;

/** Speak the language of the page. Where its words cannot be loaded, the page stays in the language it has. */
export async function startLanguage(): Promise<void> {
  const language = first();
  try {
    const [begun, later] = await Promise.all([FIRST[language](), areLaterWanted ? LATER[language]() : {}]);
    words = { ...begun, ...later };
  } catch {
    return;
  }
  spoken.language = language;
  document.documentElement.lang = language;
  if (areLaterWanted) await laterWords();
}

/** A part of the page that is loaded when it is opened, together with the words that only such parts need. */
export async function withWords<Part>(loaded: Promise<Part>): Promise<Part> {
  const [part] = await Promise.all([loaded, laterWords()]);
  return part;
}

async function laterWords(): Promise<void> {
  areLaterWanted = true;
  const language = spoken.language;
  const later = await LATER[language]();
  // Another language that was chosen meanwhile brings its own.
  if (language === spoken.language && !(LAST_OF_LATER in words)) words = { ...words, ...later };
}

export function chooseLanguage(language: Language): void {
  localStorage.setItem(KEPT, language);
  void startLanguage();
}

/** A sentence in the page's language, with the values put into its places. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
}

/** Whether there are words for something that the server names. */
export const isKey = (name: string): name is Key => name in words;

/** A number as the page's language writes it. */
export const figure = (value: number): string => new Intl.NumberFormat(spoken.language).format(value);

/** A size in bytes for people. */
export function size(bytes: number): string {
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, "kilobyte"] : bytes < 1e9 ? [bytes / 1e6, "megabyte"] : [bytes / 1e9, "gigabyte"];
  return new Intl.NumberFormat(spoken.language, { style: "unit", unit, maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}
