/** Quotes that somebody has put by, with where each was said; this browser keeps them, for each account by itself. */

export interface Quote {
  item_id: number;
  title: string;
  /** Seconds from the start of the recording. */
  start: number;
  who: string;
  text: string;
}

const keptAs = (account: number): string => `echoic-quotes-${account}`;

class Quotes {
  all = $state.raw<readonly Quote[]>([]);
  private account: number | undefined;

  /** Show those of an account. */
  of(account: number): void {
    this.account = account;
    this.all = read(account);
  }

  /** Put quotes by; those that are there already stay where they are. */
  add(quotes: readonly Quote[]): void {
    this.change((all) => [...all, ...quotes.filter((one) => !all.some((other) => isSame(one, other)))]);
  }

  remove(quote: Quote): void {
    this.change((all) => all.filter((one) => !isSame(one, quote)));
  }

  clear(): void {
    this.change(() => []);
  }

  /** Another tab may have changed them: what is kept counts. */
  private change(act: (all: readonly Quote[]) => readonly Quote[]): void {
    if (this.account === undefined) return;
    this.all = act(read(this.account));
    localStorage.setItem(keptAs(this.account), JSON.stringify(this.all));
  }
}

const isSame = (one: Quote, other: Quote): boolean => one.item_id === other.item_id && one.start === other.start && one.text === other.text;

function read(account: number): readonly Quote[] {
  const kept: unknown = JSON.parse(localStorage.getItem(keptAs(account)) ?? "[]");
  return Array.isArray(kept) ? (kept as Quote[]) : [];
}

export const quotes = new Quotes();
