"""Reads of an item beside uploads over slow lines: how much the many who are waited for cost the one who asks."""

import multiprocessing
import os
import select
import socket
import statistics
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import httpx

from bench.sender import Address, form_head, post_form, read_answer, request_head

UPLOADS = 64
PIECE_BYTES = 1_400
"""About what one packet from afar carries."""
PIECES_PER_SECOND = 23
"""Of each upload: 32 kB/s, a line of 256 kbit/s."""
DECLARED_BYTES = 100 * 1024 * 1024
"""More than comes."""
ROUNDS = 5
ROUND_SECONDS = 4.0
SETTLE_SECONDS = 1.0
UPLOAD_PATH = "/api/datasets/1/items"


def reads_beside_slow_uploads(address: Address, key: str, file: Path) -> tuple[float, float]:
    """Reads of one item a second, one after the other: alone, and beside the uploads; medians of paired rounds."""
    item_id = post_form(address, UPLOAD_PATH, file, key).item_id()
    alone, beside = [], []
    context = multiprocessing.get_context("spawn")
    with httpx.Client(base_url=f"http://{address[0]}:{address[1]}", trust_env=False) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        for _ in range(ROUNDS):
            alone.append(_reads_per_second(client, item_id))
            stop = context.Event()
            sender = context.Process(target=send_slowly, args=(address, key, stop), daemon=True)
            sender.start()
            time.sleep(SETTLE_SECONDS)
            beside.append(_reads_per_second(client, item_id))
            stop.set()
            sender.join()
            if sender.exitcode != 0:
                raise SystemExit("the slow uploads were not taken")
        client.delete(f"/api/items/{item_id}").raise_for_status()
    return statistics.median(alone), statistics.median(beside)


def send_slowly(address: Address, key: str, stop: Event) -> None:
    """Keep the uploads going until the event is set, then break them off. Fails where one was answered meanwhile."""
    head = form_head("slow.wav")
    lines = [socket.create_connection(address) for _ in range(UPLOADS)]
    for line in lines:
        line.sendall(request_head("POST", UPLOAD_PATH, len(head) + DECLARED_BYTES, key) + head)
    piece = os.urandom(PIECE_BYTES)
    interval = 1 / (PIECES_PER_SECOND * UPLOADS)
    due = time.perf_counter()
    while not stop.is_set():
        for line in lines:
            line.sendall(piece)
            due += interval
            time.sleep(max(0.0, due - time.perf_counter()))
    answered, _, _ = select.select(lines, [], [], 0)
    if answered:
        raise SystemExit(read_answer(answered[0]).body.decode(errors="replace"))


def _reads_per_second(client: httpx.Client, item_id: int) -> float:
    started = time.perf_counter()
    count = 0
    while time.perf_counter() - started < ROUND_SECONDS:
        client.get(f"/api/items/{item_id}").raise_for_status()
        count += 1
    return count / (time.perf_counter() - started)
