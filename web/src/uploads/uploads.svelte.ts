/** Files on their way up, by resumable upload: a broken line is taken up again, and so is a page that was loaded again. */
import { PAGE_HEADER } from "../api/client";

export type UploadState = "waiting" | "sending" | "done" | "failed";

export interface Sent {
  file: File;
  datasetId: number;
  state: UploadState;
  bytes: number;
  /** The reason of a failure, as the server gave it. */
  failure: string;
  itemId: number | null;
}

const AT_ONCE = 3;
const RETRY_DELAYS_MS = [0, 1000, 3000, 5000, 10_000, 20_000, 30_000];
const LARGEST_REQUEST_BYTES = 64 * 1024 * 1024;

class Uploads {
  list = $state<Sent[]>([]);

  get busy(): boolean {
    return this.list.some((one) => one.state === "waiting" || one.state === "sending");
  }

  add(files: readonly File[], datasetId: number): void {
    this.list.push(...files.map((file): Sent => ({ file, datasetId, state: "waiting", bytes: 0, failure: "", itemId: null })));
    this.next();
  }

  retry(sent: Sent): void {
    sent.state = "waiting";
    sent.failure = "";
    this.next();
  }

  private next(): void {
    const free = AT_ONCE - this.list.filter((one) => one.state === "sending").length;
    for (const one of this.list.filter((each) => each.state === "waiting").slice(0, Math.max(0, free))) void this.send(one);
  }

  private async send(sent: Sent): Promise<void> {
    sent.state = "sending";
    const { Upload, DetailedError } = await import("tus-js-client");
    const end = (state: UploadState, failure = ""): void => {
      sent.state = state;
      sent.failure = failure;
      this.next();
    };
    const upload = new Upload(sent.file, {
      endpoint: `/api/datasets/${sent.datasetId}/uploads`,
      headers: PAGE_HEADER,
      metadata: { filename: sent.file.name },
      chunkSize: LARGEST_REQUEST_BYTES,
      retryDelays: RETRY_DELAYS_MS,
      removeFingerprintOnSuccess: true,
      onProgress: (bytes) => (sent.bytes = bytes),
      onAfterResponse: (_request, response) => {
        const item = response.getHeader("Item-Id");
        if (item) sent.itemId = Number(item);
      },
      onSuccess: () => end("done"),
      onError: (error) => end("failed", reasonIn(error instanceof DetailedError ? error.originalResponse?.getBody() : undefined, error)),
    });
    const [begun] = await upload.findPreviousUploads();
    if (begun) upload.resumeFromPreviousUpload(begun);
    upload.start();
  }
}

/** Why the server refused, in its own words where it gave some. */
export function reasonIn(body: string | undefined, error: Error): string {
  try {
    return (JSON.parse(body ?? "") as { message?: string }).message ?? error.message;
  } catch {
    return error.message;
  }
}

export const uploads = new Uploads();

const HIDDEN = /(^|\/)(\.|__MACOSX\/|System Volume Information\/|\$RECYCLE\.BIN\/)/;

/** Files that were dropped, folders with all that is in them. */
export async function droppedFiles(transfer: DataTransfer): Promise<File[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (!entries.length) return [...transfer.files];
  return (await Promise.all(entries.map(filesOf))).flat();
}

async function filesOf(entry: FileSystemEntry): Promise<File[]> {
  if (HIDDEN.test(entry.fullPath)) return [];
  if (entry.isFile) return [await new Promise<File>((done, failed) => (entry as FileSystemFileEntry).file(done, failed))];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: FileSystemEntry[] = [];
  // A reader gives a hundred at a time, and none at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((done, failed) => reader.readEntries(done, failed));
    if (!some.length) break;
    found.push(...some);
  }
  return (await Promise.all(found.map(filesOf))).flat();
}

/** Those with an extension that the dataset takes, and the others. */
export function sorted(files: readonly File[], formats: readonly string[]): { taken: File[]; others: File[] } {
  const isTaken = (file: File): boolean => formats.includes((/\.([^.]+)$/.exec(file.name)?.[1] ?? "").toLowerCase());
  return { taken: files.filter(isTaken), others: files.filter((file) => !isTaken(file)) };
}
