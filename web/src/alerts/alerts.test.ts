import { expect, test } from "vitest";
import { alertFor, filtersOf, previewOf, searchOf } from "./alerts";

const address = (text: string): URLSearchParams => new URLSearchParams(text);

test("an alert takes query and filters of a search, and neither its dates nor its order", () => {
  expect(alertFor(address("q=june&library=my&speaker=Ann&from=2026-01-01&to=2026-02-01&kind=text&sort=date"))).toBe("/alerts/new?q=june&library=my&speaker=Ann");
});

test("filters go into an address and come back the same", () => {
  const filters = { libraries: ["my"], datasets: [3, 4], speakers: ["Ann", "Ben"], entities: ["Oslo"], languages: ["de"], min_confidence: 0.7 };
  const search = searchOf({ search_term: "a OR b", filters });
  expect(search.get("q")).toBe("a OR b");
  expect(filtersOf(search)).toEqual(filters);
});

test("filters that only the API sets stay when an alert is changed", () => {
  const kept = { speaker_ids: [7], source_types: ["upload"], speakers: ["Ann"] };
  expect(filtersOf(address("q=june&speaker=Ben"), kept)).toEqual({ speaker_ids: [7], source_types: ["upload"], speakers: ["Ben"] });
  expect(filtersOf(address("q=june"), kept)).toEqual({ speaker_ids: [7], source_types: ["upload"] });
});

test("a preview asks for words alone, the newest first", () => {
  expect(previewOf(address("q=june&kind=semantic&to=2026-01-01")).toString()).toBe("q=june&kind=text&sort=date");
});
