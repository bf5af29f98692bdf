/** How long a step of the work on a recording will still take, from the speed that was seen here; never a guess. */

interface Seen {
  stage: string;
  seconds: number;
  at: number;
  /** The progress that was seen last. */
  last: number;
}

/** A speed counts once it was seen for so long. */
const SEEN_MS = 4_000;

const first = new Map<number, Seen>();

export interface Progress {
  id: number;
  stage: string | null;
  progress_seconds: number | null;
  duration_seconds: number | null;
}

/** Seconds that the present step will still take, or undefined while too little was seen of it. */
export function secondsLeft(item: Progress, now: number): number | undefined {
  const { stage, progress_seconds: seconds, duration_seconds: all } = item;
  if (stage === null || seconds === null || all === null) {
    first.delete(item.id);
    return undefined;
  }
  const before = first.get(item.id);
  // A step that is made again begins again.
  if (before?.stage !== stage || seconds < before.last) {
    first.set(item.id, { stage, seconds, at: now, last: seconds });
    return undefined;
  }
  before.last = seconds;
  const [made, lasted] = [seconds - before.seconds, now - before.at];
  if (made <= 0 || lasted < SEEN_MS) return undefined;
  return ((all - seconds) * lasted) / made / 1000;
}
