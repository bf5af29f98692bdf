import { expect, test, vi } from "vitest";
import { Refused } from "../api/client";
import type { SearchAnswer, SearchRequest } from "../api/types";
import { Searching } from "./searching.svelte";

const answerTo = (body: SearchRequest, count = 1): SearchAnswer =>
  ({
    results: Array.from({ length: count }, (_, at) => ({ segment_id: `${body.query}-${(body.offset ?? 0) + at}` })),
    meta: { total: 9 },
    aggregations: null,
  }) as unknown as SearchAnswer;
const address = (query: string): URLSearchParams => new URLSearchParams({ q: query });

/** A server that answers when it is told to, and the queries that it was asked. */
function slowly(): { asked: string[]; answer: (query: string) => void; searching: Searching } {
  const asked: string[] = [];
  const held = new Map<string, () => void>();
  const searching = new Searching((body, signal) => {
    asked.push(body.query);
    return new Promise((done, fail) => {
      held.set(body.query, () => done(answerTo(body)));
      signal.addEventListener("abort", () => fail(new DOMException("", "AbortError")));
    });
  });
  return { asked, answer: (query) => held.get(query)?.(), searching };
}

test("of what is typed while a search is asked only the newest is asked, and counts", async () => {
  const { asked, answer, searching } = slowly();
  const done = searching.start(address("dea"));
  void searching.start(address("deadl"));
  void searching.start(address("deadline"));
  expect(asked).toEqual(["dea"]);
  answer("dea");
  await vi.waitFor(() => expect(asked).toEqual(["dea", "deadline"]));
  expect(searching.results).toEqual([]);
  answer("deadline");
  await done;
  expect([searching.answered, searching.busy]).toEqual(["deadline", false]);
  expect(searching.results.map((one) => one.segment_id)).toEqual(["deadline-0"]);
});

test("a search that takes too long is given up once another waits, at once where nothing is sought", async () => {
  vi.useFakeTimers();
  const { asked, answer, searching } = slowly();
  const done = searching.start(address("dea"));
  void searching.start(address("deadline"));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toEqual(["dea", "deadline"]);
  void searching.start(address(" "));
  await done;
  answer("deadline");
  expect([searching.answered, searching.results, searching.busy]).toEqual(["", [], false]);
  vi.useRealTimers();
});

test("further results follow the first", async () => {
  const searching = new Searching((body) => Promise.resolve(answerTo(body, 2)));
  await searching.start(address("a"));
  await searching.more(address("a"));
  expect(searching.results.map((one) => one.segment_id)).toEqual(["a-0", "a-1", "a-2", "a-3"]);
});

test("a refusal is shown in place of results, and an empty query asks nothing", async () => {
  const searching = new Searching(() => Promise.reject(new Refused("It holds no word.", 400, "query_invalid")));
  await searching.start(address("("));
  expect([searching.failure, searching.results, searching.busy]).toEqual(["It holds no word.", [], false]);
  await searching.start(address(" "));
  expect([searching.failure, searching.answered]).toEqual(["", ""]);
});

test.each([
  ["no place has the words", 1, 0, true],
  ["some place has them", 1, 1, false],
  ["there are more results than a search by meaning gives", 101, 0, false],
])("results are said to be near in meaning alone: %s", async (_, total, byWords, said) => {
  vi.useFakeTimers();
  const asked: SearchRequest[] = [];
  const searching = new Searching((body) => {
    asked.push(body);
    const { results } = answerTo(body);
    const meta = body.search_type === "text" ? { total: byWords, search_type: "text" } : { total, search_type: "hybrid" };
    return Promise.resolve({ results, meta, aggregations: null } as unknown as SearchAnswer);
  });
  await searching.start(address("duty NOT police"));
  await vi.advanceTimersByTimeAsync(1_000);
  expect([searching.isByMeaningAlone, asked.length]).toEqual([said, total > 100 ? 1 : 2]);
  void searching.start(address("duty"));
  expect(searching.isByMeaningAlone).toBe(false);
  vi.useRealTimers();
});
