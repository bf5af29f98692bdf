/** Recordings as this browser keeps them until the server has them whole: what they are, and their pieces, in IndexedDB. */

export interface Kept {
  id: string;
  /** Whose it is: another person at the same browser sends nothing of it. */
  accountId: number;
  datasetId: number;
  fileName: string;
  /** Its media type. */
  type: string;
  title: string;
  description: string;
  /** ISO 8601. */
  begun: string;
  /** Address of its upload, once there is one. */
  uploadUrl: string | null;
}

interface Piece {
  recording: string;
  number: number;
  bytes: Blob;
}

const DATABASE = "echoic-recordings";
const RECORDINGS = "recordings";
const PIECES = "pieces";
let opened: Promise<IDBDatabase> | undefined;

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error ?? new Error("IndexedDB failed"));
  });
}

function database(): Promise<IDBDatabase> {
  opened ??= (async () => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(RECORDINGS, { keyPath: "id" });
      request.result.createObjectStore(PIECES, { keyPath: ["recording", "number"] });
    };
    return result(request);
  })();
  return opened;
}

async function within(mode: IDBTransactionMode, act: (recordings: IDBObjectStore, pieces: IDBObjectStore) => void): Promise<void> {
  const transaction = (await database()).transaction([RECORDINGS, PIECES], mode, { durability: "strict" });
  act(transaction.objectStore(RECORDINGS), transaction.objectStore(PIECES));
  await new Promise<void>((done, failed) => {
    transaction.oncomplete = () => done();
    transaction.onabort = () => failed(transaction.error ?? new Error("IndexedDB gave up"));
  });
}

const allPieces = (id: string): IDBKeyRange => IDBKeyRange.bound([id, 0], [id, Infinity]);

/** Keep a recording, or what has changed of it. */
export const keep = (recording: Kept): Promise<void> => within("readwrite", (recordings) => recordings.put({ ...recording }));

/** Keep a piece. Throws where the browser has no room. */
export const keepPiece = (recording: string, number: number, bytes: Blob): Promise<void> =>
  within("readwrite", (_, pieces) => pieces.put({ recording, number, bytes } satisfies Piece));

/** The pieces of a recording in their order. */
export async function piecesOf(id: string): Promise<Blob[]> {
  const pieces = (await database()).transaction(PIECES).objectStore(PIECES);
  return ((await result(pieces.getAll(allPieces(id)))) as Piece[]).map((piece) => piece.bytes);
}

/** All of one person's recordings, the oldest first. */
export async function listKept(accountId: number): Promise<Kept[]> {
  const recordings = (await database()).transaction(RECORDINGS).objectStore(RECORDINGS);
  const all = (await result(recordings.getAll())) as Kept[];
  return all.filter((one) => one.accountId === accountId).sort((one, other) => one.begun.localeCompare(other.begun));
}

/** Forget a recording with its pieces. */
export const forget = (id: string): Promise<void> =>
  within("readwrite", (recordings, pieces) => {
    recordings.delete(id);
    pieces.delete(allPieces(id));
  });
