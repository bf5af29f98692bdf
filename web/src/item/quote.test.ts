import { expect, test } from "vitest";
import type { Segment } from "../api/types";
import { quoted } from "./quote";

const said = (start: number, speaker: string, text: string) => ({ start, speaker, text }) as Segment;

test("lines are quoted with their speaker and time, one paragraph a turn", () =>
  expect(quoted([said(14, "A", "So we waited."), said(16, "A", "That is all."), said(4328, "B", "Yes.")], (one) => `Speaker ${one.speaker}`)).toBe(
    "[0:14] Speaker A: So we waited. That is all.\n\n[1:12:08] Speaker B: Yes.",
  ));
