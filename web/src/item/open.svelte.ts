/** The transcript that is open on the page: its lines, who speaks, its versions, and every change made here. */
import { ask, query, Refused } from "../api/client";
import type { Corrected, Edited, ItemSpeaker, ItemSpeakerList, Replaced, Segment, Transcript } from "../api/types";
import { Attempt } from "../lib/attempt.svelte";
import { clock, languageName, momentOf } from "../lib/clock";
import { VersionHistory } from "../lib/history.svelte";
import { place } from "../lib/router.svelte";
import { speakerName } from "../lib/voices";
import type { Lane } from "../sound/waveform";
import { TranscriptView } from "../transcript/view";
import { figure, spoken, t } from "../words/words.svelte";

const SEGMENTS_A_PAGE = 500;

/** The parts of the page that a transcript needs. */
export interface Around {
  seek(seconds: number): void;
  time(): number;
  askWho(label: string): void;
  mayEdit(): boolean;
}

export class OpenTranscript {
  segments = $state.raw<Segment[]>([]);
  speakers = $state<ItemSpeaker[]>([]);
  history = $state<VersionHistory>();
  loaded = $state(false);
  readonly attempt = new Attempt();
  remark = $state("");
  unsaved = $state("");
  lost = $state(false);
  matchLines = $state.raw<number[]>([]);
  doubtLines = $state.raw<number[]>([]);
  lanes = $state.raw<Lane[]>([]);
  view: TranscriptView | undefined;
  private list: HTMLElement | undefined;

  constructor(
    readonly id: number,
    private readonly around: Around,
  ) {}

  readonly startOf = (line: number): number => this.view?.lines[line]?.start ?? 0;

  /** Show the newest version in a list: the first screen at once, the rest as it comes. */
  async load(list: HTMLElement): Promise<void> {
    this.list = list;
    this.loaded = false;
    const path = `/api/items/${this.id}/transcript`;
    const first = await ask<Transcript>("GET", path + query({ limit: SEGMENTS_A_PAGE }));
    this.history ??= new VersionHistory(first.version);
    this.begin(list);
    let all = [...first.segments];
    this.view?.append(first.segments);
    this.settle(true);
    while (all.length < first.total_segments) {
      const page = await ask<Transcript>("GET", path + query({ limit: SEGMENTS_A_PAGE, offset: all.length, version: first.version }));
      if (!page.segments.length) break;
      all = [...all, ...page.segments];
      this.view?.append(page.segments);
    }
    this.segments = all;
    this.speakers = (await ask<ItemSpeakerList>("GET", `/api/items/${this.id}/speakers`)).speakers;
    this.settle(first.total_segments > first.segments.length);
    this.loaded = true;
  }

  end(): void {
    this.view?.end();
  }

  edit(line: number): void {
    if (this.around.mayEdit()) this.view?.edit(line);
  }

  async restore(version: number, moved?: -1 | 1): Promise<void> {
    await this.attempt.run(async () => {
      const done = await ask<Edited>("POST", `/api/items/${this.id}/transcript/versions/${version}/restore`, { version: this.history?.present });
      if (moved) this.history?.moved(moved, done.version);
      else this.history?.add(done.version);
      this.remark = t("saved", { number: done.version });
      await this.reload();
    });
  }

  readonly undo = (): void => {
    if (this.history?.before !== undefined) void this.restore(this.history.before, -1);
  };

  readonly redo = (): void => {
    if (this.history?.after !== undefined) void this.restore(this.history.after, 1);
  };

  readonly replaced = async (done: Replaced): Promise<void> => {
    this.history?.add(done.version);
    this.remark = t("replacedCount", { count: figure(done.replacements) });
    await this.reload();
  };

  /** Speakers were changed by calls whose answers name no version. */
  readonly speakersChanged = async (): Promise<void> => {
    const known = await ask<Transcript>("GET", `/api/items/${this.id}/transcript${query({ limit: 1 })}`);
    this.history?.add(known.version);
    await this.reload();
  };

  readonly showTheirs = async (): Promise<void> => {
    this.history = undefined;
    this.unsaved = "";
    await this.reload();
  };

  /** Mark a text wherever it is said. */
  mark(wanted: string): void {
    if (this.view) this.matchLines = this.view.mark(wanted);
  }

  /** To the next or previous of some lines, seen from the one that is heard or focused. */
  step(lines: readonly number[], forward: boolean): void {
    const at = this.view?.current() ?? -1;
    const next = forward ? (lines.find((line) => line > at) ?? lines[0]) : (lines.findLast((line) => line < at) ?? lines.at(-1));
    if (next === undefined) return;
    this.view?.show(next, true);
    this.around.seek(this.startOf(next));
  }

  private begin(list: HTMLElement): void {
    this.view?.end();
    this.view = new TranscriptView(
      list,
      {
        seek: (seconds) => this.around.seek(seconds),
        askWho: (label) => this.around.askWho(label),
        edit: (line) => this.edit(line),
        save: (segment, text) => this.save(segment, text),
        copy: (segment) => void this.copy(segment),
        lost: (isLost) => (this.lost = isLost),
      },
      {
        edit: t("edit"),
        copy: t("copyLine"),
        doubtful: t("doubtful"),
        nameOf: speakerName,
        inLanguage: (code) => t("otherLanguage", { language: languageName(code, spoken.language) }),
      },
    );
  }

  /** What stands beside the text, once there is more of it; the address says where to begin. */
  private settle(jump: boolean): void {
    if (!this.view) return;
    const shown = this.view;
    const sought = place.now.query.get("find") ?? "";
    this.doubtLines = shown.doubtful();
    this.matchLines = sought ? shown.mark(sought.replace(/["*()]/g, " ")) : [];
    this.lanes = shown.lines.map((line) => ({ start: line.segment.start, end: line.segment.end, voice: shown.voice(line.segment.speaker) }));
    const moment = momentOf(place.now.query.get("t"));
    if (jump && moment !== undefined) {
      this.around.seek(moment);
      shown.follow();
    }
  }

  private async reload(): Promise<void> {
    if (!this.list) return;
    const at = this.around.time();
    const top = scrollY;
    await this.load(this.list);
    this.view?.at(at);
    scrollTo(0, top);
  }

  private async save(segment: Segment, text: string): Promise<void> {
    try {
      const done = await ask<Corrected>("PATCH", `/api/items/${this.id}/transcript/segments/${segment.id}`, { text, version: this.history?.present });
      this.history?.add(done.version);
      for (const changed of done.segments) this.view?.change(changed);
      this.segments = this.segments.map((one) => done.segments.find((changed) => changed.id === one.id) ?? one);
      this.attempt.failure = "";
      this.remark = t("saved", { number: done.version });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.unsaved = text;
      this.attempt.failure = error.code === "transcript_changed" ? "" : error.message;
    }
  }

  private async copy(segment: Segment): Promise<void> {
    await navigator.clipboard.writeText(`${clock(segment.start)} ${speakerName(segment.speaker_name, segment.speaker)}: ${segment.text}\n${location.origin}/items/${this.id}?t=${Math.floor(segment.start)}`);
    this.remark = t("copied");
  }
}
