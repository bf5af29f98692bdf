/** Hears what changes of all that somebody may see, by one stream for all tabs of a browser: the tab that holds the lock opens
 * it and tells the others. A tab that cannot be seen hears nothing, and so holds no connection. */
import { ask, Refused } from "../api/client";
import type { Item } from "../api/types";

export type Change =
  /** More may have changed than is told. */
  | { kind: "look" }
  | { kind: "item"; item: Item }
  | { kind: "gone"; id: number }
  /** The stream is there, and nothing has changed. */
  | { kind: "alive" };

type Hear = (change: Change) => void;

const STREAM = "/api/events";
const NAME = "echoic-live";
/** The server says within 15 s that nothing has changed; after so long without a word the page asks by itself. */
const QUIET_MS = 40_000;
const ASK_AGAIN_MS = 10_000;
const TICK_MS = 2_500;
const REOPEN_MS = 5_000;

const CHANGES: Record<string, (data: string) => Change> = {
  look: () => ({ kind: "look" }),
  item: (data) => ({ kind: "item", item: JSON.parse(data) as Item }),
  gone: (data) => ({ kind: "gone", id: (JSON.parse(data) as { id: number }).id }),
  alive: () => ({ kind: "alive" }),
};

class Live {
  private readonly hearers = new Set<Hear>();
  private channel: BroadcastChannel | undefined;
  private source: EventSource | undefined;
  private ticking: ReturnType<typeof setInterval> | undefined;
  private reopening: ReturnType<typeof setTimeout> | undefined;
  private asking: AbortController | undefined;
  private release: (() => void) | undefined;
  private heardAt = 0;
  private lookedAt = 0;

  /** Hear of changes until the returned function is called. The first thing to do is to look. */
  hear(hearer: Hear): () => void {
    this.hearers.add(hearer);
    if (this.hearers.size === 1) {
      document.addEventListener("visibilitychange", this.seen);
      this.begin();
    }
    return () => {
      if (!this.hearers.delete(hearer) || this.hearers.size) return;
      document.removeEventListener("visibilitychange", this.seen);
      this.end();
    };
  }

  private readonly seen = (): void => {
    if (document.hidden) {
      this.end();
      return;
    }
    this.begin();
    this.tell({ kind: "look" });
  };

  private begin(): void {
    if (this.ticking !== undefined || document.hidden) return;
    this.heardAt = 0;
    this.lookedAt = performance.now();
    this.ticking = setInterval(() => this.tick(), TICK_MS);
    this.channel = new BroadcastChannel(NAME);
    this.channel.onmessage = (event: MessageEvent<Change>) => this.heard(event.data);
    // Without a secure context there are no locks: then each tab that can be seen has its own stream.
    if (!("locks" in navigator)) {
      this.open();
      return;
    }
    const asking = new AbortController();
    this.asking = asking;
    const lead = (): Promise<void> =>
      new Promise((done) => {
        if (asking.signal.aborted) {
          done();
          return;
        }
        this.release = done;
        this.open();
      });
    navigator.locks.request(NAME, { signal: asking.signal }, lead).catch((error: unknown) => {
      if (!asking.signal.aborted) throw error;
    });
  }

  private end(): void {
    clearInterval(this.ticking);
    clearTimeout(this.reopening);
    this.ticking = undefined;
    this.source?.close();
    this.source = undefined;
    this.asking?.abort();
    this.release?.();
    this.release = undefined;
    this.channel?.close();
    this.channel = undefined;
  }

  private open(): void {
    const source = new EventSource(STREAM);
    this.source = source;
    for (const [name, read] of Object.entries(CHANGES)) {
      source.addEventListener(name, (event: MessageEvent<string>) => {
        const change = read(event.data);
        this.channel?.postMessage(change);
        this.heard(change);
      });
    }
    source.onerror = () => {
      // The browser connects again by itself, but after an answer that is no stream it does not.
      if (source.readyState !== EventSource.CLOSED || this.source !== source) return;
      this.reopening = setTimeout(() => void this.reopen(source), REOPEN_MS);
    };
  }

  private async reopen(former: EventSource): Promise<void> {
    try {
      await ask("GET", "/api/account"); // says whether the session has ended
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
    if (this.source === former) this.open();
  }

  private heard(change: Change): void {
    this.heardAt = performance.now();
    this.tell(change);
  }

  private tick(): void {
    const now = performance.now();
    const isQuiet = this.heardAt === 0 || now - this.heardAt > QUIET_MS;
    if (isQuiet && now - this.lookedAt > ASK_AGAIN_MS) this.tell({ kind: "look" });
  }

  private tell(change: Change): void {
    if (change.kind === "look") this.lookedAt = performance.now();
    for (const hearer of this.hearers) hearer(change);
  }
}

export const live = new Live();
