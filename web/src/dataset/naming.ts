/** Datasets where one of several is chosen. */
import type { Dataset } from "../api/types";
import { mayChangeAs } from "../lib/rights";
import { t } from "../words/words.svelte";

/** Whether somebody may upload into a dataset; one that follows a podcast takes no files. */
export const mayUploadInto = (dataset: Dataset): boolean => mayChangeAs(dataset.role) && dataset.content_type === "uploads";

/** A dataset's name; with its number where another of its library among those on offer has the same. */
export function nameAmong(offered: readonly Dataset[], one: Dataset): string {
  const isAlone = offered.every((other) => other.id === one.id || other.name !== one.name || other.library !== one.library);
  return isAlone ? one.name : t("datasetNumbered", { name: one.name, number: one.id });
}
