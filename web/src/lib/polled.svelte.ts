/** Looks at something again and again while the page can be seen, and never twice at once. */

/** Call `look` now and every so many seconds; returns what ends it. A look that fails is tried again at its next turn. */
export function polled(look: () => Promise<void>, seconds: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;
  const turn = async (): Promise<void> => {
    clearTimeout(timer);
    if (ended) return;
    if (!document.hidden) await look().catch(() => undefined);
    if (!ended) timer = setTimeout(() => void turn(), seconds * 1000);
  };
  const seen = (): void => {
    if (!document.hidden) void turn();
  };
  document.addEventListener("visibilitychange", seen);
  void turn();
  return () => {
    ended = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
  };
}
