import { expect, test } from "vitest";
import { VersionHistory } from "./history.svelte";

test("edits are undone one by one and done again", () => {
  const history = new VersionHistory(4);
  history.add(5);
  history.add(6);
  expect(history.before).toBe(5);
  history.moved(-1, 7);
  expect([history.present, history.before, history.after]).toEqual([7, 4, 6]);
  history.moved(1, 8);
  expect([history.present, history.mayRedo]).toEqual([8, false]);
});

test("an edit after an undo ends what could be redone", () => {
  const history = new VersionHistory(0);
  history.add(1);
  history.moved(-1, 2);
  history.add(3);
  expect([history.before, history.mayRedo]).toEqual([2, false]);
});

test("a call that changed nothing is no step", () => {
  const history = new VersionHistory(3);
  history.add(3);
  expect(history.mayUndo).toBe(false);
});
