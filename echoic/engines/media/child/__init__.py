"""The decoding process: opens one untrusted file with PyAV and sends what it finds to its parent.

Started by ``engines.media.parent`` as ``python -m echoic.engines.media.child``. To start fast and to hold nothing of
value, it imports only the standard library, NumPy and PyAV.
"""
