"""The GPU extra: WhisperX with its aligner, and pyannote's diarization, for those who installed ``echoic[whisperx]``.

Both need torch, which nothing else here does; it is imported when one of them is loaded. Not run on a GPU by its
authors: what could be tested without one is what WhisperX answers, how memory runs out, and what is said when.
"""
