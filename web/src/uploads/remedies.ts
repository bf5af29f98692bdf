/** What a person can do about a refusal of an upload: the words for it, and where it is done. */
import type { Key } from "../words/en";

export interface Remedy {
  words: Key;
  address: string;
}

const OF_DATASET = ["format_not_allowed", "file_too_large", "metadata_required", "dataset_rejects_uploads", "transcriber_not_offered"];
const OF_ACCOUNT = ["quota_exhausted", "storage_exhausted", "upload_limit_reached"];
/** The same file would be refused again. */
const FOR_GOOD = ["not_audio", "audio_empty", "forbidden", "dataset_not_found", "audio_url_invalid", "audio_url_not_https", "audio_url_has_credentials"];

export function remedyOf(code: string, datasetId: number): Remedy | undefined {
  if (OF_DATASET.includes(code)) return { words: "remedyDataset", address: `/datasets/${datasetId}` };
  if (OF_ACCOUNT.includes(code)) return { words: "remedyPlan", address: "/account" };
  return undefined;
}

export const mayTryAgain = (code: string): boolean => !FOR_GOOD.includes(code);
