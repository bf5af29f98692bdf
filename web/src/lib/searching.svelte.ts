/** The search that is going on. While one is asked, those typed meanwhile wait, and only the newest of them is asked: a server goes on
 * with a search that nobody waits for any more, and would answer the newest the later. */
import { ask, Refused } from "../api/client";
import type { Buckets, SearchAnswer, SearchRequest, SearchResult } from "../api/types";
import { requestOf } from "./search";

const PAGE = 30;
/** The most places that a search by meaning gives: where there are more, some have the words. */
const MAX_NEAREST = 100;
/** So long nobody may have typed before the server is asked whether any place has the words. */
const SETTLED_MS = 300;
/** A search that takes longer is given up once another waits. */
const PATIENCE_MS = 700;

type Send = (body: SearchRequest, signal: AbortSignal) => Promise<SearchAnswer>;
const send: Send = (body, signal) => ask<SearchAnswer>("POST", "/api/search", body, signal);

export class Searching {
  answer = $state.raw<SearchAnswer>();
  results = $state.raw<SearchResult[]>([]);
  /** Counts of the first page, which hold for all pages. */
  counts = $state.raw<Buckets | null>(null);
  /** The query that `results` answer. */
  answered = $state("");
  /** Whether no place has the words, so that all results are near in meaning only. */
  isByMeaningAlone = $state(false);
  failure = $state("");
  busy = $state(false);
  private under: AbortController | undefined;
  private next: URLSearchParams | undefined;
  private isAsking = false;
  private impatient: ReturnType<typeof setTimeout> | undefined;
  private settled: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly post: Send = send) {}

  /** Look for what an address says, at once or after the search that is under way, whose answer counts no more. */
  async start(address: URLSearchParams): Promise<void> {
    this.failure = "";
    this.isByMeaningAlone = false;
    this.next = address;
    clearTimeout(this.settled);
    if (this.isAsking) {
      if (isEmpty(address)) this.under?.abort();
      else this.impatient ??= setTimeout(() => this.under?.abort(), PATIENCE_MS);
      return;
    }
    this.isAsking = true;
    try {
      while (this.next) await this.first(this.next);
    } finally {
      this.isAsking = false;
    }
  }

  private async first(address: URLSearchParams): Promise<void> {
    this.next = undefined;
    if (isEmpty(address)) this.show(undefined, [], "");
    else await this.page(address, 0);
    clearTimeout(this.impatient);
    this.impatient = undefined;
  }

  async more(address: URLSearchParams): Promise<void> {
    await this.page(address, this.results.length);
  }

  private async page(address: URLSearchParams, offset: number): Promise<void> {
    const mine = new AbortController();
    this.under = mine;
    this.busy = true;
    const body = requestOf(address, PAGE, offset, offset === 0);
    try {
      const answer = await this.post(body, mine.signal);
      if (this.under !== mine || this.next) return;
      if (!offset) [this.counts, this.isByMeaningAlone] = [answer.aggregations, false];
      this.show(answer, offset ? [...this.results, ...answer.results] : answer.results, body.query);
      if (!offset && mayBeByMeaningAlone(body, answer)) this.settled = setTimeout(() => void this.compare(body, answer), SETTLED_MS);
    } catch (error) {
      if (this.under !== mine || this.next || mine.signal.aborted) return;
      if (!(error instanceof Refused)) throw error;
      if (!offset) this.show(undefined, [], body.query);
      this.failure = error.message;
    } finally {
      if (this.under === mine) this.busy = false;
    }
  }

  /** Ask for the words alone. Marks do not tell: a common word is marked where a place was found by its meaning, too. */
  private async compare(body: SearchRequest, answer: SearchAnswer): Promise<void> {
    const options = { include_highlights: false, include_context: false, include_aggregations: false };
    try {
      const byWords = await this.post({ ...body, search_type: "text", limit: 1, options }, new AbortController().signal);
      if (this.answer === answer) this.isByMeaningAlone = byWords.meta.total === 0;
    } catch (error) {
      // The results are there, and worth more than the remark.
      if (!(error instanceof Refused)) throw error;
    }
  }

  private show(answer: SearchAnswer | undefined, results: SearchResult[], query: string): void {
    this.answer = answer;
    this.results = results;
    this.answered = query;
  }
}

const mayBeByMeaningAlone = ({ search_type: asked }: SearchRequest, { meta, results }: SearchAnswer): boolean =>
  meta.search_type === "hybrid" && asked !== "text" && asked !== "semantic" && results.length > 0 && meta.total <= MAX_NEAREST;

const isEmpty = (address: URLSearchParams): boolean => !requestOf(address, PAGE, 0, false).query;
