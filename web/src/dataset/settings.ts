/** The settings of a dataset as a form shows them: each is text in a field, and becomes what the API takes. */
import type { Dataset, DatasetChange } from "../api/types";
import { readsOriginal } from "../lib/rights";
import type { Key } from "../words/en";

export type Kind = "line" | "text" | "lines" | "pairs" | "number" | "switch" | "choice";

export interface Setting {
  name: keyof DatasetChange;
  kind: Kind;
  title: Key;
  help: Key;
  required?: true;
  /** It holds names and terms, or changes what is found to be hidden: only those who read the original see it. */
  original?: true;
  /** It says what is deleted: only owners of the library change it. */
  owner?: true;
  /** What a choice offers: the values, and the words for them. */
  offers?: readonly (readonly [string, Key])[];
}

/** In the order of the form. */
const TABLE = [
  { name: "name", kind: "line", title: "name", help: "nameHelp", required: true },
  { name: "description", kind: "text", title: "description", help: "descriptionHelp" },
  { name: "language", kind: "line", title: "spokenLanguage", help: "spokenLanguageHelp" },
  { name: "languages", kind: "lines", title: "likelyLanguages", help: "likelyLanguagesHelp" },
  { name: "tier", kind: "choice", title: "tier", help: "tierHelp", offers: [["fast", "tierFast"], ["careful", "tierCareful"]] },
  { name: "vocabulary", kind: "lines", title: "vocabulary", help: "vocabularyHelp", original: true },
  { name: "initial_prompt", kind: "text", title: "prompt", help: "promptHelp", original: true },
  { name: "replacements", kind: "pairs", title: "replacements", help: "replacementsHelp", original: true },
  { name: "num_speakers", kind: "number", title: "numSpeakers", help: "numSpeakersHelp" },
  { name: "min_speakers", kind: "number", title: "minSpeakers", help: "minSpeakersHelp" },
  { name: "max_speakers", kind: "number", title: "maxSpeakers", help: "maxSpeakersHelp" },
  { name: "identify_speakers", kind: "switch", title: "keepVoices", help: "keepVoicesHelp" },
  { name: "chapters_by_model", kind: "switch", title: "chaptersByModel", help: "chaptersByModelHelp" },
  { name: "auto_transcribe", kind: "switch", title: "autoTranscribe", help: "autoTranscribeHelp" },
  { name: "content_type", kind: "choice", title: "contentType", help: "contentTypeHelp", offers: [["uploads", "contentUploads"], ["podcast", "contentPodcast"]] },
  { name: "require_metadata", kind: "switch", title: "requireMetadata", help: "requireMetadataHelp" },
  { name: "allowed_formats", kind: "lines", title: "formats", help: "formatsHelp", required: true },
  { name: "max_file_size_mb", kind: "number", title: "maxSize", help: "maxSizeHelp", required: true },
  { name: "delete_after_days", kind: "number", title: "deleteAfter", help: "deleteAfterHelp", owner: true },
  { name: "delete_audio_after_days", kind: "number", title: "deleteAudioAfter", help: "deleteAudioAfterHelp", owner: true },
  { name: "delete_transcript_after_days", kind: "number", title: "deleteTextAfter", help: "deleteTextAfterHelp", owner: true },
  { name: "legal_hold", kind: "switch", title: "legalHold", help: "legalHoldHelp", owner: true },
  { name: "engine", kind: "line", title: "engine", help: "engineHelp" },
  { name: "model", kind: "line", title: "model", help: "modelHelp" },
] as const satisfies readonly Setting[];

/** What is redacted has fields of its own, in `redaction.ts`. */
type Left = Exclude<keyof DatasetChange, (typeof TABLE)[number]["name"] | "redaction">;
/** Does not compile while the API has a setting that the table lacks. */
export const SETTINGS: [Left] extends [never] ? readonly Setting[] : never = TABLE;

/** The settings that a dataset offers to the caller. */
export const settingsOf = (dataset: Dataset): readonly Setting[] =>
  SETTINGS.filter((one) => (!one.original || readsOriginal(dataset)) && (!one.owner || dataset.role === "owner"));

const ARROW = "=>";

type Pair = { find: string; replace: string };

/** What a field shows for a value. */
export function shown(kind: Kind, value: unknown): string {
  if (value === null || value === undefined) return "";
  if (kind === "lines") return (value as string[]).join("\n");
  if (kind === "pairs") return (value as Pair[]).map((pair) => `${pair.find} ${ARROW} ${pair.replace}`).join("\n");
  return String(value);
}

/** The value that a field's text stands for; an empty field is none. */
export function meant(kind: Kind, text: string): unknown {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  if (kind === "lines") return lines;
  if (kind === "pairs") return lines.map(pairOf);
  if (kind === "switch") return text === "true";
  if (!text.trim()) return null;
  return kind === "number" ? Number(text) : text.trim();
}

function pairOf(line: string): Pair {
  const [find = "", ...rest] = line.split(ARROW);
  return { find: find.trim(), replace: rest.join(ARROW).trim() };
}

/** A field's text with the lines that `after` has and `before` lacks at its end. */
export function withMore(text: string, before: string, after: string): string {
  const had = new Set([...before.split("\n"), ...text.split("\n").map((line) => line.trim())]);
  return [text.trimEnd(), ...after.split("\n").filter((line) => !had.has(line))].filter(Boolean).join("\n");
}

/** Only what differs from the dataset as it is. */
export function changes(dataset: Dataset, fields: Readonly<Record<string, string>>): Record<string, unknown> {
  const differing = SETTINGS.filter(({ name, kind }) => fields[name] !== undefined && fields[name] !== shown(kind, dataset[name]));
  return Object.fromEntries(differing.map(({ name, kind }) => [name, meant(kind, fields[name] ?? "")]));
}
