import { expect, test } from "vitest";
import { byItem, foundIn, momentAddress, requestOf, toggled, withValue } from "./search";

const address = (text: string): URLSearchParams => new URLSearchParams(text);

test("an address is asked for with all its filters", () => {
  const asked = requestOf(
    address("q=+red+car+&library=a&library=b&dataset=7&speaker=Ann&entity=Rome&language=de&from=2026-01-31&to=2026-02-01&quality=0.8&kind=text&sort=date"),
    30,
    60,
    true,
  );
  expect(asked).toEqual({
    query: "red car",
    search_type: "text",
    filters: {
      libraries: ["a", "b"],
      datasets: [7],
      speakers: ["Ann"],
      entities: ["Rome"],
      languages: ["de"],
      min_confidence: 0.8,
      date_range: { start: "2026-01-31", end: "2026-02-01" },
    },
    sort: { field: "date", order: "desc" },
    options: { include_highlights: true, include_context: false, include_aggregations: true },
    limit: 30,
    offset: 60,
  });
});

test("what cannot be is not asked for", () => {
  const asked = requestOf(address("q=a&quality=9&from=soon&to=2026-99-99&kind=magic&speaker="), 30, 0, false);
  expect([asked.filters, asked.search_type, asked.sort?.field]).toEqual([{}, undefined, "relevance"]);
});

test("a value of a filter is added, and taken away again", () => {
  expect(toggled(address("q=a&speaker=Ann"), "speaker", "Ben")).toBe("/search?q=a&speaker=Ann&speaker=Ben");
  expect(toggled(address("q=a&speaker=Ann&speaker=Ben"), "speaker", "Ann")).toBe("/search?q=a&speaker=Ben");
  expect(withValue(address("q=a&quality=0.8"), "quality", "")).toBe("/search?q=a");
  expect(withValue(address("quality=0.8"), "quality", "")).toBe("/search");
});

test("the words that were found are named once, as they are written", () => {
  expect(foundIn("<mark>Cars</mark> &amp; <mark>R&amp;D</mark>, <mark>cars</mark>")).toEqual(["Cars", "R&D"]);
});

test("a moment is led to with what is to be marked there", () => {
  expect(momentAddress(3, 12.9, ["crane rails", "quay"])).toBe("/items/3?t=12&find=%22crane+rails%22+quay");
  expect(momentAddress(3, 0, [])).toBe("/items/3?t=0");
});

test("results stand by recording, the best recording first", () => {
  const groups = byItem([{ item_id: 2 }, { item_id: 1 }, { item_id: 2 }]);
  expect(groups.map((group) => group.map((one) => one.item_id))).toEqual([[2, 2], [1]]);
});
