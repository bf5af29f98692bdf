import { afterEach, expect, test, vi } from "vitest";
import { inBatches, replaceInAll } from "./batches";

afterEach(() => vi.unstubAllGlobals());

/** A server that answers what it is asked by a function of the body. */
function answering(answer: (body: Record<string, unknown>) => object): Record<string, unknown>[] {
  const asked: Record<string, unknown>[] = [];
  vi.stubGlobal("fetch", (_path: string, init: RequestInit) => {
    const body = JSON.parse(String(init.body)) as Record<string, unknown>;
    asked.push(body);
    return Promise.resolve(new Response(JSON.stringify(answer(body)), { status: 200 }));
  });
  return asked;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, place) => place + 1);

test("more recordings than one request takes are sent in several, and all answers count", async () => {
  const asked = answering(({ items }) => ({ done: (items as number[]).slice(1), refused: [{ item_id: (items as number[])[0], code: "run_active", message: "busy" }] }));
  const told: number[] = [];
  const whole = await inBatches(1, "move", numbers(250), { dataset_id: 2 }, (done) => told.push(done));
  expect(asked.map(({ items }) => (items as number[]).length)).toEqual([100, 100, 50]);
  expect(asked.every((body) => body["dataset_id"] === 2)).toBe(true);
  expect([whole.done.length, whole.refused.map((one) => one.item_id)]).toEqual([247, [1, 101, 201]]);
  expect(told).toEqual([0, 100, 200]);
});

test("a dataset is gone through until the server says that it has come to the end", async () => {
  const asked = answering(({ after }) => ({ items: [{ item_id: Number(after) + 1 }], refused: [], next_after: Number(after) < 200 ? Number(after) + 100 : null }));
  const found = await replaceInAll(1, { find: "a", replace: "b", match_case: false, whole_words: true }, { preview: true }, () => undefined);
  expect(asked.map(({ after, preview }) => [after, preview])).toEqual([[0, true], [100, true], [200, true]]);
  expect(found.items.map((item) => item.item_id)).toEqual([1, 101, 201]);
});
