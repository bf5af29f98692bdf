/** The question that is asked: its moments, its answer as it is written, and the places that the answer names. */
import { Refused } from "../api/client";
import { follow } from "../api/stream";
import type { AnswerSentence, AskBody, AskEnd, AskMoment, AskMoments } from "../api/types";

type Citation = AnswerSentence["citations"][number];

/** A place that sentences name, with its number in the whole answer. */
export interface NumberedPlace extends Citation {
  number: number;
}

/** The places that sentences name, each once, in the order in which they are named. */
export function placesOf(sentences: readonly AnswerSentence[]): NumberedPlace[] {
  const places = new Map<string, NumberedPlace>();
  for (const one of sentences.flatMap((sentence) => sentence.citations)) {
    if (!places.has(one.segment_id)) places.set(one.segment_id, { ...one, number: places.size + 1 });
  }
  return [...places.values()];
}

export class Asking {
  moments = $state.raw<AskMoment[]>();
  sentences = $state.raw<AnswerSentence[]>([]);
  end = $state.raw<AskEnd>();
  failure = $state("");
  busy = $state(false);
  private under: AbortController | undefined;

  async start(body: Pick<AskBody, "question" | "filters">): Promise<void> {
    this.stop();
    const mine = new AbortController();
    this.under = mine;
    this.busy = true;
    try {
      await follow("/api/ask", { ...body, stream: true }, mine.signal, (name, data) => this.heard(name, data));
    } catch (error) {
      if (mine.signal.aborted) return;
      if (!(error instanceof Refused)) throw error;
      this.failure = error.message;
    } finally {
      if (this.under === mine) this.busy = false;
    }
  }

  /** Give up what is under way, and show nothing. */
  stop(): void {
    this.under?.abort();
    this.under = undefined;
    this.moments = undefined;
    this.sentences = [];
    this.end = undefined;
    this.failure = "";
    this.busy = false;
  }

  private heard(name: string, data: unknown): void {
    if (name === "moments") this.moments = (data as AskMoments).moments;
    else if (name === "sentence") this.sentences = [...this.sentences, data as AnswerSentence];
    else if (name === "end") this.end = data as AskEnd;
  }
}
