import { expect, test } from "vitest";
import { Refused } from "../api/client";
import { Attempt } from "./attempt.svelte";

test("a refusal is kept as its sentence until the next attempt", async () => {
  const attempt = new Attempt();
  expect(await attempt.run(() => Promise.reject(new Refused("Not today.", 403, "forbidden")))).toBe(false);
  expect([attempt.failure, attempt.busy]).toEqual(["Not today.", false]);
  expect(await attempt.run(() => Promise.resolve())).toBe(true);
  expect(attempt.failure).toBe("");
});

test("an error of the page itself is not swallowed", async () => {
  const attempt = new Attempt();
  await expect(attempt.run(() => Promise.reject(new TypeError("a fault")))).rejects.toThrow(TypeError);
  expect(attempt.busy).toBe(false);
});
