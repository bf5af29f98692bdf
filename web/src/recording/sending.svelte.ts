/** A recording on its way to the server while it grows, by the same resumable upload as files; it goes on until it is through. */
import type { DetailedError, Upload, UploadOptions } from "tus-js-client";
import { PAGE_HEADER } from "../api/client";
import { reasonIn } from "../uploads/refusal";
import { Growing } from "./growing";
import { forget, keep, type Kept } from "./kept";

/** What is sent together: a few seconds, so that little is on its way and an upload does not fall into too many parts. */
const PIECES_A_REQUEST = 5;
const LARGEST_REQUEST_BYTES = 8 * 1024 * 1024;
const RETRY_DELAYS_MS = [0, 1000, 3000];
/** After the client's own tries it is tried again so often, as long as the page is open. */
const AGAIN_MS = 5000;
/** Answers that say nothing of the recording: signed out, slow, locked, too many requests. */
const PASSING = [401, 408, 409, 423, 429];
const GONE = 404;

export type SendingState = "sending" | "waiting" | "done" | "failed";

export class Sending {
  state = $state<SendingState>("sending");
  /** Bytes that are safe on the server. */
  safe = $state(0);
  bytes = $state(0);
  failure = $state("");
  itemId = $state<number | null>(null);
  private readonly growing = new Growing(PIECES_A_REQUEST);
  private upload: Upload | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopped = false;

  /** `free` lets other pages of this browser have the recording, once nothing more is sent of it. */
  constructor(
    readonly kept: Kept,
    private readonly free: () => void,
  ) {}

  add(piece: Blob): void {
    this.growing.add(piece);
    this.bytes = this.growing.bytes;
  }

  /** Nothing more will be added. */
  end(): void {
    this.growing.end();
  }

  whole(): Blob {
    return this.growing.whole(this.kept.type);
  }

  /** Send until all is through. */
  async start(): Promise<void> {
    const tus = await import("tus-js-client");
    if (this.stopped) return;
    this.upload = new tus.Upload(new Blob(), this.options(tus.DetailedError));
    addEventListener("online", this.again);
    this.upload.start();
  }

  /** Try again now. */
  readonly again = (): void => {
    if (this.state !== "waiting" && this.state !== "failed") return;
    clearTimeout(this.timer);
    this.state = "sending";
    this.failure = "";
    this.upload?.start();
  };

  /** Send nothing more; with `remove` the server forgets what it has. */
  async stop({ remove }: { remove: boolean }): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    removeEventListener("online", this.again);
    await this.upload?.abort(remove && this.state !== "done").catch(() => undefined); // what stays there ends by itself
    if (!remove) this.free();
  }

  private options(detailed: typeof DetailedError): UploadOptions {
    const { kept } = this;
    const pairs = { filename: kept.fileName, title: kept.title, when_abandoned: "keep" };
    return {
      endpoint: `/api/datasets/${kept.datasetId}/uploads`,
      uploadUrl: kept.uploadUrl,
      headers: PAGE_HEADER,
      metadata: kept.description ? { ...pairs, description: kept.description } : pairs,
      uploadLengthDeferred: true,
      chunkSize: LARGEST_REQUEST_BYTES,
      retryDelays: RETRY_DELAYS_MS,
      storeFingerprintForResuming: false,
      fileReader: { openFile: () => Promise.resolve(this.growing) },
      onUploadUrlAvailable: () => {
        kept.uploadUrl = this.upload?.url ?? null;
        void keep(kept);
      },
      onChunkComplete: (_, safe) => (this.safe = safe),
      onAfterResponse: (_request, response) => {
        const item = response.getHeader("Item-Id");
        if (item) this.itemId = Number(item);
      },
      onSuccess: ({ lastResponse }) => void this.through(Number(lastResponse.getHeader("Upload-Offset"))),
      onError: (error) => this.failed(error instanceof detailed ? error : undefined, error),
    };
  }

  private async through(safe: number): Promise<void> {
    if (safe < this.bytes) {
      // The server made an item of what it had, because nobody came back for long. The whole is sent as another one.
      this.kept.uploadUrl = null;
      await this.start();
      return;
    }
    this.safe = safe;
    this.state = "done";
    removeEventListener("online", this.again);
    await this.forget();
  }

  /** Keep it here no longer. */
  async forget(): Promise<void> {
    await forget(this.kept.id);
    this.free();
  }

  private failed(told: DetailedError | undefined, error: Error): void {
    if (this.stopped) return;
    const status = told?.originalResponse?.getStatus() ?? 0;
    const begun = told?.originalRequest.getMethod() !== "POST";
    this.failure = reasonIn(told?.originalResponse?.getBody(), error);
    const passes = status < 400 || status >= 500 || PASSING.includes(status) || (status === GONE && begun);
    this.state = passes ? "waiting" : "failed";
    if (passes) this.timer = setTimeout(this.again, AGAIN_MS);
  }
}
