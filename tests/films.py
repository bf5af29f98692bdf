"""Video files, made on the spot."""

import io

import pytest


@pytest.fixture(scope="session")
def silent_film() -> bytes:
    """An MP4 file with pictures alone."""
    import av

    content = io.BytesIO()
    with av.open(content, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=10, width=64, height=64, pix_fmt="yuv420p")
        for _ in range(20):
            for packet in stream.encode(av.VideoFrame(64, 64, "yuv420p")):
                output.mux(packet)
        for packet in stream.encode(None):
            output.mux(packet)
    return content.getvalue()
