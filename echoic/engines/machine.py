"""Reads what a machine has to compute with: memory, cores, a GPU. Limits of a container count."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")
GPU_SECONDS = 5.0
"""A driver that takes longer to answer is taken for none."""
MIB = 1_048_576


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """The means of one machine."""

    memory_bytes: int
    cores: int
    gpu_memory_bytes: int | None
    """Of the largest GPU of NVIDIA's; None where there is none that the transcriber could use."""


def look_at_machine(cgroup: Path = CGROUP) -> Machine:
    """Read the means of this machine, as far as this process may use them."""
    return Machine(memory_bytes=_memory(cgroup), cores=_cores(cgroup), gpu_memory_bytes=_gpu_memory())


def device_number(device: str, gpu: int) -> int:
    """Return the number by which CTranslate2 knows the ``device`` (``cpu``, ``cuda`` or ``auto``): the processor's is always 0."""
    import ctranslate2

    on_gpu = device == "cuda" or (device == "auto" and ctranslate2.get_cuda_device_count() > 0)
    return gpu if on_gpu else 0


def _memory(cgroup: Path) -> int:
    whole = int(psutil.virtual_memory().total)
    limit = _read(cgroup / "memory.max")
    return min(whole, int(limit[0])) if limit and limit[0].isdigit() else whole


def _cores(cgroup: Path) -> int:
    cores = len(os.sched_getaffinity(0))
    limit = _read(cgroup / "cpu.max")
    if len(limit) > 1 and limit[0].isdigit() and limit[1].isdigit():
        cores = min(cores, max(1, int(limit[0]) // int(limit[1])))
    return cores


def _read(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except OSError:
        return []


def _gpu_memory() -> int | None:
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    command = [program, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=GPU_SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    sizes = [int(line) for line in told.split() if line.isdigit()]
    if not sizes:
        return None
    # The driver may be there and its libraries not: then nothing computes on the GPU.
    import ctranslate2

    return max(sizes) * MIB if ctranslate2.get_cuda_device_count() else None
