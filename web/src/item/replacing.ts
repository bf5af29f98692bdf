/** What find and replace would do, worked out as the server does it. Pure. */
import type { Segment } from "../api/types";
import type { Piece } from "./compare";

export interface Replacement {
  find: string;
  replace: string;
  matchCase: boolean;
  wholeWords: boolean;
}

export interface Preview {
  count: number;
  lines: { segment: Segment; pieces: Piece[] }[];
}

/** Every line that would change, with what goes and what comes. */
export function preview(segments: readonly Segment[], wanted: Replacement): Preview {
  const pattern = patternOf(wanted);
  const lines: Preview["lines"] = [];
  let count = 0;
  for (const segment of pattern ? segments : []) {
    const matches = pattern ? [...segment.text.matchAll(pattern)] : [];
    if (!matches.length) continue;
    count += matches.length;
    const found: Piece[] = [];
    let after = 0;
    for (const match of matches) {
      found.push({ text: segment.text.slice(after, match.index), kind: "same" }, { text: match[0], kind: "removed" }, { text: wanted.replace, kind: "added" });
      after = match.index + match[0].length;
    }
    found.push({ text: segment.text.slice(after), kind: "same" });
    lines.push({ segment, pieces: found.filter((piece) => piece.text) });
  }
  return { count, lines };
}

/** As the server searches: a blank is any white space, whole words do not stand within longer ones. */
function patternOf({ find, matchCase, wholeWords }: Replacement): RegExp | undefined {
  if (!find.trim()) return undefined;
  const body = find.trim().split(/\s+/).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("\\s+");
  return new RegExp(wholeWords ? `(?<![\\p{L}\\p{N}_])(?:${body})(?![\\p{L}\\p{N}_])` : body, matchCase ? "gu" : "giu");
}
