/** A recording that the server fetches from an address. */
import { ask, Refused } from "../api/client";

export class Fetched {
  state = $state<"fetching" | "known" | "failed" | "done">("fetching");
  failure = $state("");
  code = $state("");
  itemId = $state<number | null>(null);

  constructor(
    readonly name: string,
    readonly datasetId: number,
    private readonly through: () => void,
  ) {}

  async run(anyway = false): Promise<void> {
    this.state = "fetching";
    this.failure = "";
    const path = `/api/datasets/${this.datasetId}/items?on_duplicate=${anyway ? "allow" : "reject"}`;
    try {
      this.itemId = (await ask<{ item_id: number }>("POST", path, { audio_url: this.name })).item_id;
      this.state = "done";
      this.through();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.state = error.code === "duplicate_item" ? "known" : "failed";
      this.itemId = error.itemId;
      this.code = error.code;
      this.failure = error.message;
    }
  }
}
