/** Keeps what is shown as it is on the server: by what the server tells of changes, else by looking again. */
import type { Item } from "../api/types";
import { live, type Change } from "./live";

/** Looks for the sake of single items come at most so often. */
const GAP_MS = 2_000;

/** Call `look` now, and again when what it shows may have changed: never twice at once, and never while the page is hidden.
 * `settled` is asked first about an item that has changed; it returns true where nothing need be looked at.
 * Returns what ends it. A look that fails is made again with the next change. */
export function watched(look: () => Promise<void>, settled: (change: Change) => boolean = () => false, gapMs = GAP_MS): () => void {
  let ended = false;
  let looking = false;
  let again = false;
  let lookedAt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const turn = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    if (looking) {
      again = true;
      return;
    }
    looking = true;
    lookedAt = performance.now();
    await look().catch(() => undefined);
    looking = false;
    if (again && !ended) soon();
    again = false;
  };
  const soon = (): void => {
    timer ??= setTimeout(() => void turn(), Math.max(0, lookedAt + gapMs - performance.now()));
  };
  const forget = live.hear((change) => {
    if (change.kind === "alive") return;
    if (change.kind === "look") void turn();
    else if (!settled(change)) soon();
  });
  void turn();
  return () => {
    ended = true;
    clearTimeout(timer);
    forget();
  };
}

/** Put an item that has changed in its place in a list. Return false where the list has to be looked at again: the item is new to
 * it, gone, or in another state, by which lists are narrowed. */
export function putInto(items: Item[] | undefined, change: Change): boolean {
  if (change.kind !== "item") return false;
  const place = items?.findIndex((one) => one.id === change.item.id) ?? -1;
  if (!items || place < 0) return false;
  const isSameState = items[place]?.status === change.item.status;
  // Lists may say more of an item than is told.
  items[place] = { ...items[place], ...change.item };
  return isSameState;
}
