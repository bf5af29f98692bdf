/** Files that a person chose or dropped, and which of them a dataset takes. */

/** A file, with a lasting reference to it where the browser gives one. */
export interface Chosen {
  file: File;
  handle: FileSystemFileHandle | null;
}

interface Picker {
  showOpenFilePicker?: (options: { multiple: boolean }) => Promise<FileSystemFileHandle[]>;
}

interface Transferred extends DataTransferItem {
  getAsFileSystemHandle?: () => Promise<FileSystemHandle | null>;
}

const HIDDEN = /(^|\/)(\.|__MACOSX\/|System Volume Information\/|\$RECYCLE\.BIN\/)/;

export const withoutHandle = (files: Iterable<File>): Chosen[] => [...files].map((file) => ({ file, handle: null }));

export const canPick = (): boolean => (window as Picker).showOpenFilePicker !== undefined;

/** Let the person choose files to which the browser keeps a reference; none where they choose none. */
export async function picked(): Promise<Chosen[]> {
  try {
    const handles = (await (window as Picker).showOpenFilePicker?.({ multiple: true })) ?? [];
    return await Promise.all(handles.map(async (handle) => ({ file: await handle.getFile(), handle })));
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return [];
    throw error;
  }
}

/** Files that were dropped, folders with all that is in them. */
export async function dropped(transfer: DataTransfer): Promise<Chosen[]> {
  const items = [...transfer.items] as Transferred[];
  // Both have to be asked for before anything is waited for.
  const entries = items.map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const asked = items.map((item) => item.getAsFileSystemHandle?.() ?? null);
  if (!entries.length) return withoutHandle(transfer.files);
  const handles = (await Promise.all(asked)).filter((handle): handle is FileSystemFileHandle => handle?.kind === "file");
  const files = (await Promise.all(entries.map(filesOf))).flat();
  const isAtTop = (name: string): boolean => entries.some((entry) => entry.isFile && entry.name === name);
  return files.map((file) => ({ file, handle: (isAtTop(file.name) && handles.find((one) => one.name === file.name)) || null }));
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
export function sorted(files: readonly Chosen[], formats: readonly string[]): { taken: Chosen[]; others: Chosen[] } {
  const isTaken = ({ file }: Chosen): boolean => formats.includes((/\.([^.]+)$/.exec(file.name)?.[1] ?? "").toLowerCase());
  return { taken: files.filter(isTaken), others: files.filter((one) => !isTaken(one)) };
}
