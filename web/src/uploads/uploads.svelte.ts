/** The recordings that this page sends: some at once, the others in turn, and those that an earlier page did not finish. */
import { Fetched } from "./fetched.svelte";
import type { Chosen } from "./chosen";
import { Sent } from "./sent.svelte";
import { keep, unfinishedOf, type Unfinished } from "./unfinished";

const AT_ONCE = 3;
const LOCK = "echoic-upload-";

interface Permitted {
  queryPermission?: (wanted: { mode: "read" }) => Promise<PermissionState>;
  requestPermission?: (wanted: { mode: "read" }) => Promise<PermissionState>;
}

class Uploads {
  list = $state<(Sent | Fetched)[]>([]);
  private account: number | undefined;
  private readonly held = new Map<string, () => void>();

  /** How many are on their way or wait for it. */
  get count(): number {
    return this.files.filter((one) => one.isBusy || one.state === "waiting").length;
  }

  private get files(): Sent[] {
    return this.list.filter((one): one is Sent => one instanceof Sent);
  }

  /** Show what an account has begun in this browser and not finished; called when somebody has signed in. */
  async takeUp(account: number): Promise<void> {
    if (this.account === account) return;
    const isFirst = this.account === undefined;
    this.account = account;
    // A file may have been chosen before; those of somebody else are no longer shown.
    if (isFirst) this.watch();
    else this.list = [];
    // Those that another tab is sending are its own.
    const elsewhere = new Set("locks" in navigator ? (await navigator.locks.query()).held?.map((lock) => lock.name) : []);
    const mine = (await unfinishedOf(account)).filter((one) => !elsewhere.has(LOCK + one.id) && !this.files.some((each) => each.id === one.id));
    for (const kept of mine) {
      const sent = this.begin(kept, null);
      if (kept.handle && (await (kept.handle as Permitted).queryPermission?.({ mode: "read" })) === "granted") await this.reopen(sent);
    }
  }

  private watch(): void {
    addEventListener("online", () => this.files.forEach((one) => one.hurry()));
    addEventListener("beforeunload", (event) => {
      if (this.count) event.preventDefault();
    });
  }

  add(files: readonly Chosen[], datasetId: number): void {
    for (const { file, handle } of files) {
      const before = this.files.find((one) => one.state === "fileNeeded" && one.isOf(file, datasetId));
      if (before) {
        before.give(file);
        continue;
      }
      const { name, size, lastModified } = file;
      const kept: Unfinished = { id: idOf(), account: this.account ?? 0, datasetId, name, size, lastModified, sha256: null, uploadUrl: null, handle };
      void keep(kept);
      this.begin(kept, file);
    }
    this.next();
  }

  fetch(address: string, datasetId: number, through: () => void): void {
    const one = new Fetched(address, datasetId, through);
    this.list.push(one);
    void one.run();
  }

  /** Open a file to which the browser has kept a reference, and go on with it; it may ask the person. */
  async reopen(sent: Sent): Promise<void> {
    const handle = sent.kept.handle as (FileSystemFileHandle & Permitted) | null;
    if (!handle || (await handle.requestPermission?.({ mode: "read" })) === "denied") return;
    const file = await handle.getFile().catch(() => null); // moved or removed meanwhile: the person has to choose it
    if (file?.size === sent.size) sent.give(file);
    else sent.isLent = false;
  }

  async remove(one: Sent | Fetched): Promise<void> {
    this.list = this.list.filter((each) => each !== one);
    if (one instanceof Sent) {
      this.release(one.id);
      await one.giveUp();
    }
    this.next();
  }

  private begin(kept: Unfinished, file: File | null): Sent {
    const sent = new Sent(kept, file, () => this.next());
    this.list.push(sent);
    this.hold(kept.id);
    return sent;
  }

  private next(): void {
    for (const one of this.files) if (one.state === "done") this.release(one.id);
    const free = AT_ONCE - this.files.filter((one) => one.isBusy).length;
    for (const one of this.files.filter((each) => each.state === "waiting").slice(0, Math.max(0, free))) void one.run();
  }

  /** Tell the other tabs that this one sends it. */
  private hold(id: string): void {
    if (!("locks" in navigator)) return;
    void navigator.locks.request(LOCK + id, () => new Promise<void>((done) => this.held.set(id, done)));
  }

  private release(id: string): void {
    this.held.get(id)?.();
    this.held.delete(id);
  }
}

/** A name for an upload; pages without a secure context have no `randomUUID`. */
const idOf = (): string => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export const uploads = new Uploads();
