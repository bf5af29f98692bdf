/** Speakers by the words that people use for them. */
import { figure, t } from "../words/words.svelte";

/** The name of who speaks; without one, the number of the label, counted from 1. */
export function speakerName(name: string | null, label: string | null): string {
  if (name) return name;
  const number = /^SPEAKER_(\d+)$/.exec(label ?? "")?.[1];
  if (number !== undefined) return t("speakerNumber", { number: Number(number) + 1 });
  return label ?? t("noSpeaker");
}

/** How alike two voices are, as a percentage. */
export const percentAlike = (confidence: number | null | undefined): string => figure(Math.round((confidence ?? 0) * 100));
