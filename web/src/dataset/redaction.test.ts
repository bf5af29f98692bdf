import { expect, test } from "vitest";
import type { Dataset } from "../api/types";
import { changedHidden, hiddenIn } from "./redaction";

const of = (redaction: Dataset["redaction"]): Dataset => ({ redaction }) as unknown as Dataset;
const PHONES = of({ kinds: ["phone"], words: ["falcon"], original_roles: ["owner", "editor"], for_you: false });

test("what was not changed is not sent", () => {
  expect(changedHidden(PHONES, hiddenIn(PHONES))).toEqual({});
  expect(changedHidden(of(null), hiddenIn(of(null)))).toEqual({});
  expect(changedHidden(of(null), { ...hiddenIn(of(null)), readers: "viewer" })).toEqual({});
});

test("a policy is sent whole", () => {
  expect(changedHidden(of(null), { kinds: ["person"], words: " a b \n\n", readers: "owner" })).toEqual({
    redaction: { kinds: ["person"], words: ["a b"], original_roles: ["owner"] },
  });
  expect(changedHidden(PHONES, { ...hiddenIn(PHONES), readers: "viewer" })).toEqual({
    redaction: { kinds: ["phone"], words: ["falcon"], original_roles: ["owner", "editor", "viewer"] },
  });
});

test("without kinds and words nothing is hidden any more", () => {
  expect(changedHidden(PHONES, { kinds: [], words: " \n", readers: "owner" })).toEqual({ redaction: null });
});
