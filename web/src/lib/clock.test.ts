import { expect, test } from "vitest";
import { clock, lasting, momentOf } from "./clock";

test.each([
  [0, "0:00"],
  [59.99, "0:59"],
  [724, "12:04"],
  [4328, "1:12:08"],
  [36000, "10:00:00"],
])("%d seconds are %s", (seconds, shown) => expect(clock(seconds)).toBe(shown));

test.each([
  ["90", 90],
  ["8s", 8],
  ["12m4s", 724],
  ["1h12m8s", 4328],
  ["1h", 3600],
  ["7.5", 7.5],
])("%s in an address is %d seconds", (text, seconds) => expect(momentOf(text)).toBe(seconds));

test.each([[null], [""], ["soon"], ["-4"], ["4m2h"]])("%s is no moment", (text) => expect(momentOf(text)).toBeUndefined());

test.each([
  [48.2, "48 s"],
  [420, "7 min"],
  [4328, "1 h 12 min"],
])("%d seconds last %s", (seconds, shown) => expect(lasting(seconds)).toBe(shown));
