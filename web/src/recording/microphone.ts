/** The microphone: its sound in pieces of a second, and how loud it is. */

const PIECE_MS = 1000;
/** In the order of preference; browsers without the first take one of the others. */
const KINDS: [type: string, extensions: string[]][] = [
  ["audio/webm;codecs=opus", ["webm", "weba"]],
  ["audio/ogg;codecs=opus", ["ogg", "opus", "oga"]],
  ["audio/mp4;codecs=opus", ["m4a", "mp4"]],
  ["audio/mp4", ["m4a", "mp4"]],
];
/** For people: what a dataset may take so that every browser can record into it. */
export const EXTENSIONS = "webm, ogg, m4a";

export interface Kind {
  type: string;
  extension: string;
}

/** What this browser can record and a dataset takes; undefined where there is nothing. */
export function kindFor(formats: readonly string[]): Kind | undefined {
  for (const [type, extensions] of KINDS) {
    const extension = extensions.find((one) => formats.includes(one));
    if (extension && "MediaRecorder" in window && MediaRecorder.isTypeSupported(type)) return { type, extension };
  }
  return undefined;
}

export class Microphone {
  private readonly recorder: MediaRecorder;
  private readonly context = new AudioContext();
  private readonly analyser = this.context.createAnalyser();
  private readonly samples = new Float32Array(this.analyser.fftSize);
  private readonly through: Promise<void>;

  private constructor(
    private readonly stream: MediaStream,
    type: string,
    onpiece: (piece: Blob) => void,
    onlost: () => void,
  ) {
    this.context.createMediaStreamSource(stream).connect(this.analyser);
    this.recorder = new MediaRecorder(stream, { mimeType: type });
    this.recorder.ondataavailable = ({ data }) => data.size && onpiece(data);
    this.through = new Promise((done) => (this.recorder.onstop = () => done()));
    // It was unplugged, or the permission was taken away.
    for (const track of stream.getTracks()) track.onended = onlost;
  }

  /** Ask for the microphone and record. Throws a DOMException where it is not given. */
  static async open(type: string, onpiece: (piece: Blob) => void, onlost: () => void): Promise<Microphone> {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const microphone = new Microphone(stream, type, onpiece, onlost);
    microphone.recorder.start(PIECE_MS);
    return microphone;
  }

  /** How loud it is now, from 0 to 1: the last 60 dB below full scale. */
  loudness(): number {
    this.analyser.getFloatTimeDomainData(this.samples);
    const power = this.samples.reduce((sum, one) => sum + one * one, 0) / this.samples.length;
    return Math.max(0, Math.min(1, 1 + (10 * Math.log10(power + 1e-10)) / 60));
  }

  pause(): void {
    this.recorder.pause();
  }

  resume(): void {
    this.recorder.resume();
  }

  /** End, once the last piece has been handed on. */
  async close(): Promise<void> {
    if (this.recorder.state !== "inactive") this.recorder.stop();
    await this.through;
    for (const track of this.stream.getTracks()) {
      track.onended = null;
      track.stop();
    }
    await this.context.close();
  }
}
