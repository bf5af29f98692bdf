/** The transcript that is open on the page: its lines, who speaks, its versions, and every change made here. */
import { ask, query, Refused } from "../api/client";
import type { Corrected, Edited, ItemSpeaker, ItemSpeakerList, Replaced, Segment, Transcript } from "../api/types";
import { Attempt } from "../lib/attempt.svelte";
import { languageName, momentOf } from "../lib/clock";
import { VersionHistory } from "../lib/history.svelte";
import { speakerName } from "../lib/voices";
import type { Lane } from "../sound/waveform";
import { termsOf } from "../transcript/times";
import { TranscriptView, type Place } from "../transcript/view";
import { figure, spoken, t } from "../words/words.svelte";
import { textsChanged } from "./meanwhile";

const SEGMENTS_A_PAGE = 500;
const CHANGED_MEANWHILE = "transcript_changed";
/** More lines are shown faster all at once. */
const MOST_ONE_BY_ONE = 50;
/** While something is being changed here, changes of others wait, and are looked for again after so long. */
const OCCUPIED_MS = 1_000;

/** The parts of the page that a transcript needs. */
export interface Around {
  seek(seconds: number): void;
  time(): number;
  askWho(label: string): void;
  toActs(): void;
  mayEdit(): boolean;
  /** Whether a dialog is open, whose end may be a change. */
  isOccupied(): boolean;
}

/** A text that could not be saved. */
export interface Unsaved {
  segment: number;
  mine: string;
  /** What somebody else wrote there meanwhile; undefined where the server refused for another reason. */
  theirs: string | undefined;
  reason: string;
}

/** Places that one goes to one by one. */
export class Places {
  all = $state.raw<readonly Place[]>([]);
  at = $state(-1);

  /** The next or previous one, seen from a line; after the last comes the first. */
  step(line: number, forward: boolean): Place | undefined {
    const { all, at } = this;
    const beside = forward ? all.findIndex((one) => one.line > line) : all.findLastIndex((one) => one.line < line);
    const next = all[at]?.line === line ? at + (forward ? 1 : -1) : forward && all.some((one) => one.line === line) ? all.findIndex((one) => one.line === line) : beside;
    this.at = all.length ? (next + (next < 0 ? all.length : 0)) % all.length : -1;
    return all[this.at];
  }
}

export class OpenTranscript {
  segments = $state.raw<Segment[]>([]);
  speakers = $state<ItemSpeaker[]>([]);
  history = $state<VersionHistory>();
  loaded = $state(false);
  readonly attempt = new Attempt();
  remark = $state("");
  unsaved = $state<Unsaved[]>([]);
  lost = $state(false);
  /** Segments of the lines that are chosen. */
  chosen = $state.raw<readonly Segment[]>([]);
  readonly matches = new Places();
  readonly doubts = new Places();
  lanes = $state.raw<Lane[]>([]);
  view: TranscriptView | undefined;
  private waiting: ReturnType<typeof setTimeout> | undefined;
  /** Calls under way that make a version. */
  private changing = 0;
  private readonly looking = new Attempt();
  private sought: readonly string[] = [];
  private readonly path: string;

  constructor(
    readonly id: number,
    private readonly around: Around,
  ) {
    this.path = `/api/items/${id}/transcript`;
  }

  /** Show the newest version in a list: the first screen at once, the rest as it comes; an address says where to begin. */
  async load(list: HTMLElement, address: URLSearchParams): Promise<void> {
    this.loaded = false;
    const first = await ask<Transcript>("GET", this.path + query({ limit: SEGMENTS_A_PAGE }));
    this.startFrom(first.version);
    this.begin(list);
    this.view?.append(first.segments);
    this.segments = first.segments;
    this.settle();
    this.goTo(address);
    const speakers = ask<ItemSpeakerList>("GET", `/api/items/${this.id}/speakers`);
    const all = [...first.segments];
    while (all.length < first.total_segments) {
      const page = await ask<Transcript>("GET", this.path + query({ limit: SEGMENTS_A_PAGE, offset: all.length }));
      if (page.version !== first.version) {
        await this.load(list, address);
        return;
      }
      if (!page.segments.length) break;
      all.push(...page.segments);
      this.view?.append(page.segments);
    }
    this.segments = all;
    this.speakers = (await speakers).speakers;
    if (first.total_segments > first.segments.length) {
      this.settle();
      this.goTo(address);
    }
    this.loaded = true;
  }

  end(): void {
    clearTimeout(this.waiting);
    this.view?.end();
  }

  /** Go where an address leads: to a second, to a text that is marked. */
  goTo(address: URLSearchParams): void {
    this.mark(termsOf(address.get("find") ?? ""));
    const moment = momentOf(address.get("t"));
    if (moment === undefined) return;
    this.around.seek(moment);
    this.view?.follow();
  }

  edit(line: number): void {
    if (this.around.mayEdit()) this.view?.edit(line);
  }

  async restore(version: number, moved?: -1 | 1): Promise<void> {
    this.changing += 1;
    try {
      await this.attempt.run(async () => {
        const done = await ask<Edited>("POST", `${this.path}/versions/${version}/restore`, { version: this.history?.present });
        if (moved) this.history?.moved(moved, done.version);
        else this.history?.add(done.version);
        this.remark = t("saved", { number: done.version });
        await this.renew();
      });
    } finally {
      this.changing -= 1;
    }
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
    await this.renew();
  };

  /** Show the newest version, which may have been made elsewhere. */
  readonly renew = async (): Promise<void> => {
    const known = await ask<Transcript>("GET", this.path);
    this.startFrom(known.version);
    const changed = textsChanged(this.segments, known.segments);
    this.segments = known.segments;
    this.speakers = (await ask<ItemSpeakerList>("GET", `/api/items/${this.id}/speakers`)).speakers;
    if (changed && changed.length <= MOST_ONE_BY_ONE) this.put(changed);
    else this.show();
  };

  /** Show what others have changed meanwhile; what is being changed here is ended first. */
  readonly catchUp = async (): Promise<void> => {
    clearTimeout(this.waiting);
    if (!this.loaded) return;
    if (!this.isOccupied) {
      await this.looking.run(async () => {
        const { version } = await ask<Transcript>("GET", this.path + query({ limit: 1 }));
        if (version === this.history?.present || this.isOccupied) return;
        await this.renew();
        this.remark = t("changedByOthers", { number: version });
      });
    }
    if (this.isOccupied) this.waiting = setTimeout(() => void this.catchUp(), OCCUPIED_MS);
  };

  /** Speakers were changed here, by a call whose answer names no version. */
  readonly speakersChanged = async (): Promise<void> => {
    const known = await ask<Transcript>("GET", this.path + query({ limit: 1 }));
    this.history?.add(known.version);
    await this.renew();
  };

  /** Give lines to a speaker: one of the transcript, a new name, or nobody. */
  async give(segments: readonly Segment[], speaker: string | null): Promise<void> {
    const wanted = segments.map((one) => ({ id: one.id, speaker }));
    const done = await ask<Corrected>("PATCH", `${this.path}/segments`, { version: this.history?.present, segments: wanted });
    this.adopt(done);
    this.remark = t("saved", { number: done.version });
    this.speakers = (await ask<ItemSpeakerList>("GET", `/api/items/${this.id}/speakers`)).speakers;
    this.show();
  }

  /** Save a text that was kept, over what stands there now. */
  async saveMine(kept: Unsaved): Promise<void> {
    const segment = this.segments.find((one) => one.id === kept.segment);
    this.forget(kept);
    if (segment) await this.save(segment, kept.mine);
  }

  forget(kept: Unsaved): void {
    this.unsaved = this.unsaved.filter((one) => one !== kept);
  }

  /** Mark texts wherever they are said. */
  mark(wanted: readonly string[]): void {
    this.sought = wanted;
    this.matches.all = this.view?.mark(wanted) ?? [];
    this.matches.at = -1;
  }

  /** To the next or previous of some places, seen from the line that is heard or focused. */
  step(places: Places, forward: boolean): void {
    const next = places.step(this.view?.current() ?? -1, forward);
    if (!next) return;
    this.around.seek(next.start);
    this.view?.show(next);
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
        chose: (lines) => (this.chosen = lines.flatMap((line) => this.view?.lines[line]?.segment ?? [])),
        toActs: () => this.around.toActs(),
        lost: (isLost) => (this.lost = isLost),
      },
      {
        doubtful: t("doubtful"),
        repaired: t("repaired"),
        nameOf: speakerName,
        inLanguage: (code) => t("otherLanguage", { language: languageName(code, spoken.language) }),
      },
    );
  }

  /** What stands beside the text and in the player, once there is more of it. */
  private settle(): void {
    if (!this.view) return;
    const shown = this.view;
    this.doubts.all = shown.doubtful();
    this.matches.all = shown.mark(this.sought);
    this.lanes = shown.lines.map((line) => ({ start: line.segment.start, end: line.segment.end, voice: shown.voice(line.segment.speaker) }));
  }

  /** Show the segments that are held, without a jump. */
  private show(): void {
    const top = scrollY;
    this.view?.replaceAll(this.segments);
    this.view?.at(this.around.time());
    this.settle();
    scrollTo(0, top);
    const chosen = new Set(this.chosen.map((one) => one.id));
    this.chosen = this.segments.filter((one) => chosen.has(one.id));
  }

  /** Show some segments in place of the same ones as they were. */
  private put(changed: readonly Segment[]): void {
    for (const one of changed) this.view?.change(one);
    this.doubts.all = this.view?.doubtful() ?? [];
    if (this.sought.length) this.matches.all = this.view?.mark(this.sought) ?? [];
  }

  private get isOccupied(): boolean {
    return this.changing > 0 || !!this.view?.isWriting || this.around.isOccupied();
  }

  /** Undo leads back over one's own versions only. */
  private startFrom(version: number): void {
    if (version !== this.history?.present) this.history = new VersionHistory(version);
  }

  private adopt(done: Corrected): void {
    this.history?.add(done.version);
    const changed = new Map(done.segments.map((one) => [one.id, one]));
    this.segments = this.segments.map((one) => changed.get(one.id) ?? one);
  }

  private async save(segment: Segment, text: string): Promise<void> {
    this.changing += 1;
    try {
      const done = await ask<Corrected>("PATCH", `${this.path}/segments/${segment.id}`, { text, version: this.history?.present });
      this.adopt(done);
      this.put(done.segments);
      this.attempt.failure = "";
      this.remark = t("saved", { number: done.version });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.code === CHANGED_MEANWHILE) await this.meet(segment, text);
      else this.unsaved = [...this.unsaved, { segment: segment.id, mine: text, theirs: undefined, reason: error.message }];
    } finally {
      this.changing -= 1;
    }
  }

  /** Somebody else made a version meanwhile: a text of theirs in the same line is not overwritten unseen. */
  private async meet(segment: Segment, text: string): Promise<void> {
    await this.attempt.run(this.renew);
    const now = this.segments.find((one) => one.id === segment.id && one.start === segment.start);
    if (now && now.text === segment.text) await this.save(now, text);
    else if (now?.text !== text) this.unsaved = [...this.unsaved, { segment: segment.id, mine: text, theirs: now?.text ?? "", reason: "" }];
  }
}
