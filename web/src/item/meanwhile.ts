/** What others have changed in a transcript, so that only that is shown otherwise. Pure. */
import type { Segment } from "../api/types";

/** The segments that say something else now; undefined where more than texts has changed: the lines, or who speaks. */
export function textsChanged(before: readonly Segment[], now: readonly Segment[]): Segment[] | undefined {
  if (before.length !== now.length) return undefined;
  const changed: Segment[] = [];
  for (const [place, one] of now.entries()) {
    const former = before[place];
    if (!former || former.id !== one.id || former.start !== one.start || former.speaker !== one.speaker || former.speaker_name !== one.speaker_name) return undefined;
    // An empty text is no line.
    if (!former.text !== !one.text) return undefined;
    if (former.text !== one.text || former.quality !== one.quality || former.language !== one.language) changed.push(one);
  }
  return changed;
}
