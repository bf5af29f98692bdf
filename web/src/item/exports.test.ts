import { expect, test } from "vitest";
import { exportQuery, USUAL_COLUMNS, USUAL_CUE_SECONDS, type Export } from "./exports";

const USUAL: Export = { formats: ["txt"], lines: [], speaker: "", speakers: "", columns: USUAL_COLUMNS, seconds: USUAL_CUE_SECONDS, formulas: false, turnsOfWords: false, doubtful: "" };
const LINES = [
  { id: 7, start: 14, end: 16 },
  { id: 9, start: 18, end: 21.5 },
];

test("everything, as usual, needs no more than the format", () => expect(String(exportQuery(USUAL))).toBe("format=txt"));

test("lines are a page of the transcript, those of one speaker a stretch of time", () => {
  expect(String(exportQuery({ ...USUAL, lines: LINES }))).toBe("format=txt&offset=7&limit=3");
  expect(String(exportQuery({ ...USUAL, lines: LINES, speaker: "SPEAKER_01" }))).toBe("format=txt&start=14&end=21.5&speaker=SPEAKER_01");
});

test("an option goes along only where one of the formats has it", () => {
  const wanted = { ...USUAL, columns: 32, formulas: true, speakers: "false" as const, doubtful: "left_out" as const };
  expect(String(exportQuery({ ...wanted, formats: ["srt", "json"] }))).toBe("format=srt&format=json&speakers=false&max_line_columns=32&doubtful=left_out");
  expect(String(exportQuery({ ...wanted, formats: ["csv"] }))).toBe("format=csv&speakers=false&formulas=true&doubtful=left_out");
  expect(String(exportQuery({ ...wanted, formats: ["rttm"] }))).toBe("format=rttm");
  expect(String(exportQuery({ ...wanted, formats: ["rttm"], turnsOfWords: true }))).toBe("format=rttm&turns=words");
});
