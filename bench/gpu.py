"""How fast the default engines are on a GPU, how much of its memory they take, and what they do where that runs out.

    python -m bench.gpu [RECORDING ...] [--device cuda|cpu] [--model NAME_OR_FOLDER ...] [--batch-sizes 1,4,8,16,32] [--files 4]

Transcription by faster-whisper in each of the batch sizes, from which the fastest is taken for several files at once; then
telling speakers apart by the built-in diarizer, of one file and of several. Each file has a process with its own models,
as in a worker. The rate is seconds of audio for a second of time, of all files together, warm, without loading and
decoding; of transcription, it holds all that the transcriber does: the search for speech, which is the processor's, the
guess of the language and the repair of gaps, window by window. Process MB is the peak resident memory of all processes,
GPU MB that of the whole GPU over what was used before. At last all memory of the GPU is held but a third of what the batch
sizes differ by, to see which batch the transcriber keeps. ``--device cpu`` does all but that on the processor, to try this
program where there is no GPU.

A line that ends in a reason in place of figures was not measured; the exit status is 1 then. The last line has
the figures as name=value; those of several models stand in their order, with commas.

To carry it to a machine without a network:

- the repository (``git archive HEAD | gzip``) and a recording; without one ../shared/audio/dev/long/long7.flac is heard.
  A file named .pcm is taken as it is (16,000 Hz, 16 bits, one channel), where the confined decoder cannot run;
- the packages, for the same Python: ``pip wheel --wheel-dir wheels . nvidia-cublas-cu12 'onnxruntime-gpu[cuda,cudnn]'`` here,
  ``pip install --no-index --find-links wheels echoic nvidia-cublas-cu12`` there, then onnxruntime-gpu in place of
  onnxruntime, and LD_LIBRARY_PATH, both as docs/engines.md has it. ``base`` and the diarizer's weights lie in these packages;
- for other models, the folder with model.bin, config.json, tokenizer.json and what else lies beside them. In pieces:
  ``split -b 50m model.bin model.bin.`` here, ``cat model.bin.?? > model.bin`` there. Then ``--model FOLDER``.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.gpu_load import BLOCK_MB, Load, LoadFailed, Measured, Task, gpu_told, little_memory, measure
from bench.local_file import DEV_AUDIO, as_stage_process, decoded_samples
from echoic.settings import Settings
from echoic.units import SAMPLE_RATE

DEFAULT_RECORDING = DEV_AUDIO / "long" / "long7.flac"
COMPUTE_TYPES = {"cuda": "float16", "cpu": "int8"}
NOT_MEASURED = "not_measured"
HEAD = f"{'task':<12} {'model':<20} {'batch':>6} {'files':>6} {'audio s/s':>10} {'process MB':>11} {'GPU MB':>8}"


@dataclass(kw_only=True)
class Rows:
    """Prints what is measured as it comes, since a borrowed machine may be taken away."""

    failed: bool = False

    def measure(self, load: Load) -> Measured | None:
        model = Path(str(load.settings["transcriber_model"])).name if load.task == "transcriber" else "built-in"
        batch = str(load.settings["transcriber_batch_size"]) if load.task == "transcriber" else "-"
        try:
            found = measure(load)
        except LoadFailed as failure:
            self.failed = True
            print(f"{load.task:<12} {model:<20} {batch:>6} {load.files:>6} not measured: {failure}", flush=True)
            return None
        kept = f" (made {found.fits})" if found.fits is not None else ""
        gpu = "-" if found.gpu_mb is None else str(found.gpu_mb)
        print(
            f"{load.task:<12} {model:<20} {batch:>6} {load.files:>6} {found.rate:>10.2f}"
            f" {found.process_mb:>11.0f} {gpu:>8}{kept}",
            flush=True,
        )
        return found


@dataclass(kw_only=True)
class Figures:
    """Figures of one engine, by the names of the last line."""

    one: Measured | None = None
    many: Measured | None = None
    batch: int | None = None
    fallback: str = NOT_MEASURED
    by_batch: dict[int, Measured] = field(default_factory=dict)


def transcription(rows: Rows, load: Load, batch_sizes: Sequence[int], files: int) -> Figures:
    figures = Figures()
    for size in batch_sizes:
        if (found := rows.measure(with_batch(load, size))) is not None:
            figures.by_batch[size] = found
    if not figures.by_batch:
        return figures
    figures.batch = max(figures.by_batch, key=lambda size: figures.by_batch[size].rate)
    figures.one = figures.by_batch[figures.batch]
    figures.many = rows.measure(replace(with_batch(load, figures.batch), files=files))
    figures.fallback = fallback(rows, load, figures.by_batch)
    return figures


def fallback(rows: Rows, load: Load, by_batch: dict[int, Measured]) -> str:
    """The batch that is kept where the largest does not fit the memory that is left."""
    if load.settings["transcriber_device"] != "cuda":
        print("fallback: not measured, it takes a GPU")
        return NOT_MEASURED
    small, large = min(by_batch), max(by_batch)
    least, most = by_batch[small].gpu_mb, by_batch[large].gpu_mb
    if least is None or most is None or most - least < 2 * BLOCK_MB:
        print(f"fallback: not measured: batch {small} takes {least} MB of the GPU, batch {large} {most} MB")
        rows.failed = True
        return NOT_MEASURED
    leave = least + (most - least) // 3
    print(f"fallback: batch {large} with {leave} MB of the GPU left", flush=True)
    try:
        with little_memory(leave):
            found = rows.measure(with_batch(load, large))
    except LoadFailed as failure:
        rows.failed = True
        print(f"fallback: not measured: {failure}")
        return NOT_MEASURED
    if found is None:
        return NOT_MEASURED
    return "not_reached" if found.fits is None else str(found.fits)


def diarization(rows: Rows, load: Load, files: int) -> Figures:
    return Figures(one=rows.measure(load), many=rows.measure(replace(load, files=files)))


def with_batch(load: Load, size: int) -> Load:
    return replace(load, settings={**load.settings, "transcriber_batch_size": size})


def last_line(transcribed: Sequence[Figures], diarized: Figures, files: int) -> Iterator[tuple[str, str]]:
    def joined(values: Sequence[str]) -> str:
        return ",".join(values)

    yield "batch", joined([str(one.batch or "-") for one in transcribed])
    yield "transcribe_1", joined([_rate(one.one) for one in transcribed])
    yield f"transcribe_{files}", joined([_rate(one.many) for one in transcribed])
    yield "transcribe_mb", joined([_mb(one.one) for one in transcribed])
    yield "transcribe_gpu_mb", joined([_gpu(one.one) for one in transcribed])
    yield "fallback", joined([one.fallback for one in transcribed])
    yield "diarize_1", _rate(diarized.one)
    yield f"diarize_{files}", _rate(diarized.many)
    yield "diarize_mb", _mb(diarized.one)
    yield "diarize_gpu_mb", _gpu(diarized.one)


def _rate(found: Measured | None) -> str:
    return "-" if found is None else f"{found.rate:.2f}"


def _mb(found: Measured | None) -> str:
    return "-" if found is None else f"{found.process_mb:.0f}"


def _gpu(found: Measured | None) -> str:
    return "-" if found is None or found.gpu_mb is None else str(found.gpu_mb)


def stored(recordings: Sequence[Path], folder: Path) -> Iterator[Path]:
    """Decode recordings, each into a file of samples in the folder."""
    settings = Settings(data_dir=folder)
    for number, path in enumerate(recordings):
        if path.suffix == ".pcm":
            yield path
            continue
        samples = folder / f"{number}.pcm"
        samples.write_bytes(decoded_samples(path, settings).tobytes())
        yield samples


def sizes(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def main() -> int:
    as_stage_process()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", nargs="*", type=Path, default=[DEFAULT_RECORDING])
    parser.add_argument("--device", choices=tuple(COMPUTE_TYPES), default="cuda")
    parser.add_argument("--model", nargs="+", default=["base"], help="names or folders of Whisper models")
    parser.add_argument("--compute-type", help="of the transcriber; else float16 on a GPU and int8 on a processor")
    parser.add_argument("--batch-sizes", type=sizes, default=(1, 4, 8, 16, 32))
    parser.add_argument("--files", type=int, default=4, help="files at once, beside a single one")
    arguments = parser.parse_args()
    compute_type = arguments.compute_type or COMPUTE_TYPES[arguments.device]
    rows = Rows()
    with tempfile.TemporaryDirectory() as name:
        recordings = tuple(stored(arguments.recordings, Path(name)))
        seconds = sum(path.stat().st_size for path in recordings) / 2 / SAMPLE_RATE
        settings = {
            "data_dir": name,
            "model_downloads": False,
            "transcriber": "faster-whisper",
            "transcriber_device": arguments.device,
            "transcriber_compute_type": compute_type,
            "diarizer": "onnx",
            "diarizer_device": arguments.device,
        }

        def load(task: Task, model: str = "base") -> Load:
            # A batch of one has the diarizer warm up by little.
            more = {"transcriber_model": model, "transcriber_batch_size": 1}
            return Load(task=task, settings={**settings, **more}, recordings=recordings)

        gpu = gpu_told("name") if arguments.device == "cuda" else None
        print(f"{arguments.device} ({gpu or 'no GPU'}), {compute_type}, {seconds:.0f} s of audio\n{HEAD}", flush=True)
        transcribed = [
            transcription(rows, load("transcriber", model), arguments.batch_sizes, arguments.files)
            for model in arguments.model
        ]
        diarized = diarization(rows, load("diarizer"), arguments.files)
    figures = {
        "device": arguments.device,
        "gpu": (gpu or "-").replace(" ", "_"),
        "compute_type": compute_type,
        "audio_seconds": f"{seconds:.0f}",
        "models": ",".join(Path(model).name for model in arguments.model),
        **dict(last_line(transcribed, diarized, arguments.files)),
    }
    print(" ".join(f"{name}={value}" for name, value in figures.items()))
    return int(rows.failed)


if __name__ == "__main__":
    sys.exit(main())
