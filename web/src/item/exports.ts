/** How an export is asked for; options are sent only with formats that have them, since the server refuses others. Pure. */
import type { Segment } from "../api/types";

export const FORMATS = ["txt", "docx", "srt", "vtt", "csv", "json", "rttm"] as const;
export type Format = (typeof FORMATS)[number];
export type Option = "speakers" | "max_line_columns" | "max_cue_seconds" | "formulas" | "turns" | "doubtful";

/** What the server does unless it is asked for another. */
export const USUAL_COLUMNS = 42;
export const USUAL_CUE_SECONDS = 7;

const OPTIONS: Record<Format, readonly Option[]> = {
  txt: ["speakers", "doubtful"],
  docx: ["speakers", "doubtful"],
  srt: ["speakers", "max_line_columns", "max_cue_seconds", "doubtful"],
  vtt: ["speakers", "max_line_columns", "max_cue_seconds", "doubtful"],
  csv: ["speakers", "formulas", "doubtful"],
  json: ["doubtful"],
  rttm: ["turns"],
};

/** Whether one of the formats has an option. */
export const having = (formats: readonly Format[], option: Option): boolean => formats.some((one) => OPTIONS[one].includes(option));

export interface Export {
  formats: readonly Format[];
  /** Neighboring lines; none: all. */
  lines: readonly Pick<Segment, "id" | "start" | "end">[];
  /** The label of the only speaker that is wanted, or "". */
  speaker: string;
  speakers: "" | "true" | "false";
  columns: number;
  seconds: number;
  formulas: boolean;
  /** Turns made of the words in place of those that were heard. */
  turnsOfWords: boolean;
  doubtful: "" | "marked" | "left_out" | "unmarked";
}

/**
 * The query of an export.
 *
 * A segment's id is its place in the transcript, so that lines are a page of it; pages of one speaker's lines are counted
 * otherwise, so these are asked for by their time.
 */
export function exportQuery(wanted: Export): URLSearchParams {
  const query = new URLSearchParams(wanted.formats.map((format) => ["format", format]));
  const [first, last] = [wanted.lines[0], wanted.lines.at(-1)];
  if (first && last && wanted.speaker) {
    query.set("start", String(first.start));
    query.set("end", String(last.end));
  } else if (first && last) {
    query.set("offset", String(first.id));
    query.set("limit", String(last.id - first.id + 1));
  }
  if (wanted.speaker) query.set("speaker", wanted.speaker);
  const options: [Option, string, boolean][] = [
    ["speakers", wanted.speakers, wanted.speakers !== ""],
    ["max_line_columns", String(wanted.columns), wanted.columns !== USUAL_COLUMNS],
    ["max_cue_seconds", String(wanted.seconds), wanted.seconds !== USUAL_CUE_SECONDS],
    ["formulas", "true", wanted.formulas],
    ["turns", "words", wanted.turnsOfWords],
    ["doubtful", wanted.doubtful, wanted.doubtful !== ""],
  ];
  for (const [name, value, isOther] of options) if (isOther && having(wanted.formats, name)) query.set(name, value);
  return query;
}
