/** A file on its way to the server, by resumable upload: it goes on by itself until the server has it or refuses it. */
import type { Upload } from "tus-js-client";
import { ask, PAGE_HEADER } from "../api/client";
import { digestOf } from "./digest";
import { refusalIn, type Refusal } from "./refusal";
import { forget, keep, type Unfinished } from "./unfinished";

export type UploadState =
  | "waiting"
  /** Its digest is computed. */
  | "checking"
  | "sending"
  /** The server cannot be reached; it is tried again. */
  | "interrupted"
  /** The page was loaded again, and the browser does not have the file any more. */
  | "fileNeeded"
  /** The dataset holds the same bytes. */
  | "known"
  | "failed"
  | "done";

const LARGEST_REQUEST_BYTES = 64 * 1024 * 1024;
const AGAIN_SECONDS = [1, 2, 5, 10, 20, 30];
/** Answers that say nothing of the file: signed out, slow, another request at work, another offset, too many requests. */
const PASSING = [401, 408, 409, 423, 429];
const LOST = [404, 410];
const KNOWN = "duplicate_item";

export class Sent {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly datasetId: number;
  state = $state<UploadState>("waiting");
  /** Bytes that were read for the digest, or that have gone up. */
  bytes = $state(0);
  /** The reason of a failure, as the server gave it. */
  failure = $state("");
  code = $state("");
  itemId = $state<number | null>(null);
  /** True where the browser keeps a reference to the file. */
  isLent = $state(false);
  /** The same bytes are taken a second time. */
  private anyway = false;
  private tries = 0;
  private upload: Upload | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private reading: AbortController | undefined;

  constructor(
    readonly kept: Unfinished,
    private file: File | null,
    /** Called when the state has changed for another one to begin. */
    private readonly changed: () => void,
  ) {
    this.id = kept.id;
    this.name = kept.name;
    this.size = kept.size;
    this.datasetId = kept.datasetId;
    this.isLent = kept.handle !== null;
    if (!file) this.state = "fileNeeded";
  }

  get isBusy(): boolean {
    return this.state === "checking" || this.state === "sending" || this.state === "interrupted";
  }

  isOf(file: File, datasetId: number): boolean {
    return this.datasetId === datasetId && this.name === file.name && this.size === file.size && this.kept.lastModified === file.lastModified;
  }

  /** Go on with the file, which the person has chosen again. */
  give(file: File): void {
    this.file = file;
    this.wait();
  }

  /** Get into the queue again; `anyway` takes bytes that the dataset holds already. */
  again(anyway = false): void {
    this.anyway ||= anyway;
    this.wait();
  }

  /** Try again now what waits for its next try. */
  hurry(): void {
    if (this.state !== "interrupted") return;
    clearTimeout(this.timer);
    void this.run();
  }

  private wait(): void {
    this.state = "waiting";
    this.failure = "";
    this.code = "";
    this.tries = 0;
    void keep(this.kept);
    this.changed();
  }

  /** Give up, on the server as well. */
  async giveUp(): Promise<void> {
    clearTimeout(this.timer);
    this.reading?.abort();
    const { upload } = this;
    this.upload = undefined;
    await upload?.abort();
    if (this.kept.uploadUrl && this.state !== "done") {
      // What cannot be removed now is given up by the server itself when it expires.
      await fetch(this.kept.uploadUrl, { method: "DELETE", headers: { ...PAGE_HEADER, "Tus-Resumable": "1.0.0" } }).catch(() => undefined);
    }
    await forget(this.id);
  }

  /** Send what is not there yet. */
  async run(): Promise<void> {
    const { file } = this;
    if (!file) return;
    try {
      await this.check(file);
    } catch (error) {
      if (this.reading?.signal.aborted) return;
      // It was changed or taken away after it had been chosen.
      this.end("failed", { status: 0, code: "file_unreadable", message: error instanceof Error ? error.message : String(error), itemId: null });
      return;
    }
    await this.send(file);
  }

  private async check(file: File): Promise<void> {
    if (this.kept.sha256 !== null) return;
    this.state = "checking";
    this.reading = new AbortController();
    this.kept.sha256 = await digestOf(file, (bytes) => (this.bytes = bytes), this.reading.signal);
    this.bytes = 0;
    await keep(this.kept);
  }

  private async send(file: File): Promise<void> {
    this.state = "sending";
    const tus = await import("tus-js-client");
    const { kept } = this;
    const upload = new tus.Upload(file, {
      // An upload that has begun is gone on with or not at all: with an endpoint the client would begin another one.
      endpoint: kept.uploadUrl ? null : `/api/datasets/${this.datasetId}/uploads?on_duplicate=${this.anyway ? "allow" : "reject"}`,
      uploadUrl: kept.uploadUrl,
      headers: PAGE_HEADER,
      metadata: { filename: file.name, sha256: kept.sha256 ?? "" },
      chunkSize: LARGEST_REQUEST_BYTES,
      retryDelays: [],
      storeFingerprintForResuming: false,
      onUploadUrlAvailable: () => {
        kept.uploadUrl = upload.url;
        void keep(kept);
      },
      onProgress: (bytes) => (this.bytes = bytes),
      onAfterResponse: (_request, response) => {
        this.tries = 0;
        const item = response.getHeader("Item-Id");
        if (item) this.itemId = Number(item);
      },
      onSuccess: () => this.end("done"),
      onError: (error) => {
        if (this.upload === upload) this.refused(refusalIn(error instanceof tus.DetailedError ? error : undefined, error));
      },
    });
    this.upload = upload;
    upload.start();
  }

  private refused(refusal: Refusal): void {
    const { status, code } = refusal;
    if (code === KNOWN) {
      this.itemId = refusal.itemId;
      this.end("known", refusal);
    } else if (LOST.includes(status) && this.kept.uploadUrl) {
      this.kept.uploadUrl = null;
      void this.run();
    } else if (status === 0 || status >= 500 || PASSING.includes(status)) {
      this.state = "interrupted";
      this.failure = refusal.message;
      this.code = code;
      // It tells the page where nobody is signed in any more.
      if (status === 401) void ask("GET", "/api/account").catch(() => undefined);
      this.timer = setTimeout(() => this.hurry(), 1000 * (AGAIN_SECONDS[this.tries++] ?? 30));
    } else {
      // What the server had of it is gone there.
      this.kept.uploadUrl = null;
      if (code === "digest_mismatch") this.kept.sha256 = null;
      this.end("failed", refusal);
    }
  }

  private end(state: "done" | "known" | "failed", refusal?: Refusal): void {
    this.state = state;
    this.failure = refusal?.message ?? "";
    this.code = refusal?.code ?? "";
    if (state === "done") this.file = null;
    void forget(this.id);
    this.changed();
  }
}
