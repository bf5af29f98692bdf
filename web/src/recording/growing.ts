/** Bytes that still grow, as tus-js-client reads them: a slice waits until enough has come, or nothing more will. */

export class Growing {
  /** Of the whole, which nobody knows yet. */
  readonly size = 0;
  private readonly pieces: Blob[] = [];
  private length = 0;
  private ended = false;
  private news: (() => void)[] = [];

  /** A request is sent for at least so many pieces, unless they are the last. */
  constructor(private readonly atLeast: number) {}

  get bytes(): number {
    return this.length;
  }

  add(piece: Blob): void {
    this.pieces.push(piece);
    this.length += piece.size;
    this.tell();
  }

  /** Nothing more will come. */
  end(): void {
    this.ended = true;
    this.tell();
  }

  /** All that has come, as one. */
  whole(type: string): Blob {
    return new Blob(this.pieces, { type });
  }

  async slice(start: number, end: number): Promise<{ value: Blob; done: boolean }> {
    while (!this.ended && this.piecesFrom(start) < this.atLeast) await new Promise<void>((told) => this.news.push(told));
    const last = Math.min(end, this.length);
    return { value: this.whole("").slice(start, last), done: this.ended && last === this.length };
  }

  close(): void {
    // Nothing is held open.
  }

  private piecesFrom(start: number): number {
    let from = this.length;
    let count = 0;
    for (let place = this.pieces.length - 1; place >= 0 && from > start; place--, count++) from -= this.pieces[place]?.size ?? 0;
    return count;
  }

  private tell(): void {
    for (const told of this.news.splice(0)) told();
  }
}
