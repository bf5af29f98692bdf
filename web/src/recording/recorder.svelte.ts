/** The one recording of this page, and those that earlier pages did not get through to the server. */
import { messageOf } from "../api/client";
import { recording } from "./running.svelte";
import { forget, keep, keepPiece, listKept, piecesOf, type Kept } from "./kept";
import { Microphone, type Kind } from "./microphone";
import { Sending } from "./sending.svelte";

const TICK_MS = 100;

export interface Wanted {
  accountId: number;
  datasetId: number;
  kind: Kind;
  title: string;
  description: string;
}

class Recorder {
  /** The present one, the latest, or none. */
  sending = $state.raw<Sending>();
  /** Those of earlier pages, in this browser. */
  earlier = $state.raw<Sending[]>([]);
  loudness = $state(0);
  /** Why the microphone fell silent, or pieces are not kept here. */
  remark = $state<"" | "microphoneLost" | "noRoom">("");
  /** How many have not come to the server whole. */
  unsent = $derived([this.sending, ...this.earlier].filter((one) => one && one.state !== "done").length);
  private microphone: Microphone | undefined;
  private ticking: ReturnType<typeof setInterval> | undefined;
  private since = 0;
  private lock: WakeLockSentinel | undefined;

  /** Ask for the microphone and begin. Throws a DOMException where it is not given. */
  async start(wanted: Wanted): Promise<void> {
    const id = crypto.randomUUID();
    const { kind, ...rest } = wanted;
    const kept: Kept = { id, type: kind.type, fileName: `recording.${kind.extension}`, begun: new Date().toISOString(), uploadUrl: null, ...rest };
    const sending = new Sending(kept, await hold(id));
    let number = 0;
    const take = (piece: Blob): void => {
      sending.add(piece);
      keepPiece(id, number++, piece).catch(() => (this.remark = "noRoom"));
    };
    try {
      this.microphone = await Microphone.open(kind.type, take, () => void this.lose());
    } catch (error) {
      await sending.stop({ remove: false });
      throw error;
    }
    this.remark = "";
    await keep(kept).catch(() => (this.remark = "noRoom"));
    void navigator.storage.persist();
    addEventListener("beforeunload", leaving);
    this.sending = sending;
    recording.seconds = 0;
    this.run();
    void sending.start();
  }

  pause(): void {
    this.microphone?.pause();
    this.rest();
    recording.state = "paused";
  }

  resume(): void {
    this.microphone?.resume();
    this.run();
  }

  /** End the recording; what is not yet sent goes on. */
  async finish(): Promise<void> {
    const { microphone } = this;
    if (!microphone) return;
    this.microphone = undefined;
    this.rest();
    recording.state = "none";
    removeEventListener("beforeunload", leaving);
    await microphone.close();
    this.sending?.end();
  }

  /** Take up what other pages of this person leave in the browser, as soon as none of them is at work on it any more. */
  async takeUp(accountId: number): Promise<void> {
    await this.leaveTo(accountId);
    for (const kept of await listKept(accountId)) void hold(kept.id).then((free) => this.takeUpOne(kept, free));
  }

  private async takeUpOne({ id, accountId }: Kept, free: () => void): Promise<void> {
    // The page that had it may have sent it meanwhile, or at least begun to.
    const kept = (await listKept(accountId)).find((one) => one.id === id);
    const pieces = await piecesOf(id);
    if (!kept || !pieces.length) {
      await forget(id);
      free();
      return;
    }
    const sending = new Sending(kept, free);
    pieces.forEach((piece) => sending.add(piece));
    sending.end();
    this.earlier = [...this.earlier, sending];
    void sending.start();
  }

  /** What somebody else recorded at this page stays theirs: it waits in the browser for them. */
  private async leaveTo(accountId: number): Promise<void> {
    const others = [this.sending, ...this.earlier].filter((one) => one && one.kept.accountId !== accountId);
    if (others.includes(this.sending)) {
      await this.finish();
      this.sending = undefined;
    }
    this.earlier = this.earlier.filter((one) => !others.includes(one));
    await Promise.all(others.map((one) => one?.stop({ remove: false })));
  }

  /** Give a recording up, here and on the server. */
  async discard(sending: Sending): Promise<void> {
    if (sending === this.sending) {
      await this.finish();
      this.sending = undefined;
    }
    this.earlier = this.earlier.filter((one) => one !== sending);
    await sending.stop({ remove: true });
    await sending.forget();
  }

  private async lose(): Promise<void> {
    this.remark = "microphoneLost";
    await this.finish();
  }

  private run(): void {
    recording.state = "recording";
    this.since = performance.now();
    this.ticking = setInterval(() => {
      const now = performance.now();
      recording.seconds += (now - this.since) / 1000;
      this.since = now;
      this.loudness = this.microphone?.loudness() ?? 0;
    }, TICK_MS);
    // A phone would go to sleep; where it may not be kept awake, people do that.
    navigator.wakeLock?.request("screen").then(
      (lock) => (this.lock = lock),
      (error: unknown) => console.info("the screen may go dark:", messageOf(error)),
    );
  }

  private rest(): void {
    clearInterval(this.ticking);
    this.loudness = 0;
    void this.lock?.release();
    this.lock = undefined;
  }
}

const leaving = (event: BeforeUnloadEvent): void => event.preventDefault();

/** Hold a recording against other pages of this browser, as soon as none of them has it. Returns what frees it. */
function hold(id: string): Promise<() => void> {
  return new Promise((held) => {
    void navigator.locks.request(`echoic-recording-${id}`, () => new Promise<void>((free) => held(free)));
  });
}

export const recorder = new Recorder();
