/** Computes the SHA-256 of a file piece by piece, beside the page. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

const PIECE_BYTES = 4 * 1024 * 1024;

/** What is told of a digest: how far it is, the digest in the end, or that the file could not be read. */
export type Told = { read: number } | { digest: string } | { failure: string };

const tell = (told: Told): void => self.postMessage(told);

async function digest(file: Blob): Promise<void> {
  const hash = sha256.create();
  for (let at = 0; at < file.size; at += PIECE_BYTES) {
    hash.update(new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer()));
    tell({ read: Math.min(at + PIECE_BYTES, file.size) });
  }
  tell({ digest: bytesToHex(hash.digest()) });
}

self.onmessage = (event: MessageEvent<Blob>) => {
  digest(event.data).catch((error: unknown) => tell({ failure: error instanceof Error ? error.message : String(error) }));
};
