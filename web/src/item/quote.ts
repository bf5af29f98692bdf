/** Lines as they are copied: who said them and when, so that they can be quoted. Pure. */
import type { Segment } from "../api/types";
import { clock } from "../lib/clock";

/** What one speaker says without a break. */
export interface Turn {
  label: string | null;
  who: string;
  start: number;
  text: string;
}

/** The turns that some lines make. `nameOf` gives the name of who speaks. */
export function turnsOf(segments: readonly Segment[], nameOf: (segment: Segment) => string): Turn[] {
  const turns: Turn[] = [];
  for (const segment of segments) {
    const last = turns.at(-1);
    if (last && last.label === segment.speaker) last.text += ` ${segment.text}`;
    else turns.push({ label: segment.speaker, who: nameOf(segment), start: segment.start, text: segment.text });
  }
  return turns;
}

/** Paragraphs of `[0:14] Name: text`, one for each turn of a speaker. */
export const quoted = (segments: readonly Segment[], nameOf: (segment: Segment) => string): string =>
  turnsOf(segments, nameOf)
    .map((turn) => `[${clock(turn.start)}] ${turn.who}: ${turn.text}`)
    .join("\n\n");
