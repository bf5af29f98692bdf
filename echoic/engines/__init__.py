"""Speech and language engines behind one protocol per task, and the decoding of media.

The only room that imports machine-learning and media libraries, and only inside load functions: a process pays for what
it uses. It knows no database, storage, HTTP or stage. This module imports nothing, because the decoding process passes
through it at every start.
"""
