import { expect, test } from "vitest";
import type { Dataset } from "../api/types";
import { changes, meant, SETTINGS, settingsOf, shown, type Kind } from "./settings";

test.each<[Kind, unknown, string]>([
  ["line", "de", "de"],
  ["line", null, ""],
  ["lines", ["Ruth Sander", "Echoic"], "Ruth Sander\nEchoic"],
  ["lines", [], ""],
  ["pairs", [{ find: "jon", replace: "Joan" }, { find: "um", replace: "" }], "jon => Joan\num => "],
  ["number", 12, "12"],
  ["number", null, ""],
  ["switch", false, "false"],
])("a field of the kind %s shows %o and gives it back", (kind, value, text) => {
  expect(shown(kind, value)).toBe(text);
  expect(meant(kind, text)).toEqual(value);
});

test("only what was changed is sent", () => {
  const dataset = { name: "Calls", language: null, vocabulary: ["a"], identify_speakers: true } as unknown as Dataset;
  const fields = Object.fromEntries(SETTINGS.map(({ name, kind }) => [name, shown(kind, dataset[name])]));
  expect(changes(dataset, fields)).toEqual({});
  expect(changes(dataset, { ...fields, language: "de", vocabulary: "a\nb", identify_speakers: "false" })).toEqual({
    language: "de",
    vocabulary: ["a", "b"],
    identify_speakers: false,
  });
});

test("owners alone are offered what says when things are deleted", () => {
  const names = (role: string): string[] => settingsOf({ role } as unknown as Dataset).map((one) => one.name);
  expect(names("owner").filter((name) => !names("editor").includes(name))).toEqual([
    "delete_after_days",
    "delete_audio_after_days",
    "delete_transcript_after_days",
    "legal_hold",
  ]);
});

test("settings with names and terms are offered to those who read the original", () => {
  const names = (for_you: boolean): string[] => settingsOf({ redaction: { for_you } } as unknown as Dataset).map((one) => one.name);
  const withheld = names(false).filter((name) => !names(true).includes(name));
  expect(withheld).toEqual(["vocabulary", "initial_prompt", "replacements"]);
});
