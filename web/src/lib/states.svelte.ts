/** The state of an item in words for people. */
import type { Item } from "../api/types";
import { isKey, t } from "../words/words.svelte";
import { lasting } from "./clock";

const STAGES = ["decode", "transcribe", "diarize", "attribute", "identify", "entities", "embed", "index", "publish"];

/** The name of a stage, or its own word for one that the page does not know yet. */
export const stageName = (stage: string): string => (STAGES.includes(stage) && isKey(stage) ? t(stage) : stage);

/** Where an item stands; progress is what the server measured, or nothing. */
export function stateOf(item: Item): string {
  if (item.on_hold) return t("onHold");
  if (item.status === "failed") return item.error?.message ?? t("failed");
  if (!item.stage || item.status === "queued") return t(item.status);
  if (item.status === "published") return t("againAt", { stage: stageName(item.stage) });
  if (item.progress_seconds === null || item.duration_seconds === null) return stageName(item.stage);
  const [done, all] = [lasting(item.progress_seconds), lasting(item.duration_seconds)];
  return t("stageAt", { stage: stageName(item.stage), done, all });
}

/** Whether work goes on; also of a recording that is transcribed again, which stays as it is meanwhile. */
export const isUnderWay = (item: Item): boolean => item.status === "processing" || (item.status === "queued" && !item.on_hold) || (item.status === "published" && item.stage !== null);
