/** The versions made here, for undo and redo: each step is itself a version, so nothing is ever lost by it. */
export class VersionHistory {
  private steps = $state<number[]>([]);
  private at = $state(0);

  constructor(first: number) {
    this.steps = [first];
  }

  get present(): number {
    return this.steps[this.at] ?? 0;
  }

  get mayUndo(): boolean {
    return this.at > 0;
  }

  get mayRedo(): boolean {
    return this.at < this.steps.length - 1;
  }

  /** Another version is there now; what was undone cannot be redone any more. */
  add(version: number): void {
    if (version === this.steps[this.at]) return;
    this.steps = [...this.steps.slice(0, this.at + 1), version];
    this.at = this.steps.length - 1;
  }

  /** The version to go back to, or undefined. */
  get before(): number | undefined {
    return this.steps[this.at - 1];
  }

  /** The version to go forward to again, or undefined. */
  get after(): number | undefined {
    return this.steps[this.at + 1];
  }

  /** A step back or forward was made, and the transcript is at a version that says the same as that step. */
  moved(by: -1 | 1, version: number): void {
    this.at += by;
    this.steps[this.at] = version;
  }
}
