/** Short stretches of recordings to be heard by themselves, one at a time. */
import type { Sample } from "../api/types";

const MOST_SECONDS = 8;

class Samples {
  /** The stretch that is being heard, as `nameOf` names it. */
  heard = $state("");
  failed = $state("");
  private audio: HTMLAudioElement | undefined;
  private end = 0;

  /** Play a stretch from its beginning, or stop it where it is being heard. */
  toggle(sample: Sample): void {
    const name = nameOf(sample);
    if (this.heard === name) return this.stop();
    this.stop();
    this.heard = name;
    this.failed = "";
    this.end = Math.min(sample.end, sample.start + MOST_SECONDS);
    this.audio ??= this.player();
    this.audio.src = `/api/items/${sample.item_id}/audio#t=${sample.start},${this.end}`;
    this.audio.currentTime = sample.start;
    this.audio.play().catch((error: unknown) => {
      // A stretch that was stopped before it began is no failure.
      if (this.heard === name && !(error instanceof DOMException && error.name === "AbortError")) this.fail(name);
    });
  }

  stop(): void {
    this.heard = "";
    this.audio?.pause();
  }

  private fail(name: string): void {
    this.stop();
    this.failed = name;
  }

  private player(): HTMLAudioElement {
    const audio = new Audio();
    audio.addEventListener("timeupdate", () => {
      if (audio.currentTime >= this.end) this.stop();
    });
    audio.addEventListener("ended", () => this.stop());
    return audio;
  }
}

export const nameOf = (sample: Sample): string => `${sample.item_id} ${sample.start}`;
export const samples = new Samples();
