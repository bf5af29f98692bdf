import { expect, test } from "vitest";
import { Growing } from "./growing";

const text = (one: { value: Blob }): Promise<string> => one.value.text();

test("a slice waits until enough pieces have come", async () => {
  const growing = new Growing(2);
  let read: string | undefined;
  const waiting = growing.slice(0, 100).then(async (found) => (read = await text(found)));
  growing.add(new Blob(["ab"]));
  await Promise.resolve();
  expect(read).toBeUndefined();
  growing.add(new Blob(["cde"]));
  await waiting;
  expect(read).toBe("abcde");
});

test("what is left is given at the end, however little, and the end is said with the last byte", async () => {
  const growing = new Growing(5);
  growing.add(new Blob(["abc"]));
  growing.add(new Blob(["de"]));
  const waiting = growing.slice(3, 100);
  growing.end();
  const last = await waiting;
  expect([await text(last), last.done]).toEqual(["de", true]);
  const first = await growing.slice(0, 2);
  expect([await text(first), first.done]).toEqual(["ab", false]);
});

test("where all was sent before the end, the end is an empty slice", async () => {
  const growing = new Growing(1);
  growing.add(new Blob(["abc"]));
  await growing.slice(0, 100);
  const waiting = growing.slice(3, 100);
  growing.end();
  const last = await waiting;
  expect([last.value.size, last.done]).toEqual([0, true]);
});
