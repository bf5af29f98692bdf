/** What a part of the page has tried last: whether it is still going on, or why the server refused it. */
import { Refused } from "../api/client";

export class Attempt {
  /** The reason of the last refusal, as a sentence; empty where there was none. */
  failure = $state("");
  busy = $state(false);

  /** Do what the server may refuse, and return whether it did not. Any other error is thrown. */
  async run(act: () => Promise<unknown>): Promise<boolean> {
    this.failure = "";
    this.busy = true;
    try {
      await act();
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.failure = error.message;
      return false;
    } finally {
      this.busy = false;
    }
  }
}
