/** The uploads that this browser has begun and not finished, kept so that a page that is loaded again can go on with them. */

export interface Unfinished {
  id: string;
  /** The account whose upload it is. */
  account: number;
  datasetId: number;
  name: string;
  size: number;
  lastModified: number;
  /** Null until it is computed. */
  sha256: string | null;
  /** Where the server keeps what has come; null until it is asked. */
  uploadUrl: string | null;
  /** The file itself, where the browser gives a lasting reference to it. */
  handle: FileSystemFileHandle | null;
}

const DATABASE = "echoic-uploads";
const STORE = "unfinished";

let opening: Promise<IDBDatabase> | undefined;

function opened(): Promise<IDBDatabase> {
  opening ??= new Promise((done, failed) => {
    const asked = indexedDB.open(DATABASE, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id" });
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error ?? new Error("The browser keeps nothing."));
  });
  return opening;
}

async function within<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const store = (await opened()).transaction(STORE, mode).objectStore(STORE);
  return new Promise((done, failed) => {
    const asked = act(store);
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error ?? new Error("The browser keeps nothing."));
  });
}

export const keep = (one: Unfinished): Promise<unknown> => within("readwrite", (store) => store.put({ ...one }));

export const forget = (id: string): Promise<unknown> => within("readwrite", (store) => store.delete(id));

/** The uploads of an account, the oldest first. */
export async function unfinishedOf(account: number): Promise<Unfinished[]> {
  const all = await within<Unfinished[]>("readonly", (store) => store.getAll());
  return all.filter((one) => one.account === account);
}
