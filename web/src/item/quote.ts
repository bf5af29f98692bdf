/** Lines as they are copied: who said them and when, so that they can be quoted. Pure. */
import type { Segment } from "../api/types";
import { clock } from "../lib/clock";

/** Paragraphs of `[0:14] Name: text`, one for each turn of a speaker. `nameOf` gives the name of who speaks. */
export function quoted(segments: readonly Segment[], nameOf: (segment: Segment) => string): string {
  const turns: { label: string | null; text: string }[] = [];
  for (const segment of segments) {
    const last = turns.at(-1);
    if (last && last.label === segment.speaker) last.text += ` ${segment.text}`;
    else turns.push({ label: segment.speaker, text: `[${clock(segment.start)}] ${nameOf(segment)}: ${segment.text}` });
  }
  return turns.map((turn) => turn.text).join("\n\n");
}
