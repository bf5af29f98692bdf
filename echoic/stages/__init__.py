"""The stages of the pipeline, in order: to read this table is to read the pipeline.

A stage reads what earlier stages stored and returns its own output; ``pipeline`` stores it together with the next job.
``queue`` names the kind of machine that a stage needs. Its ``version`` goes up when its output changes. Modules that are
no stage (``audio``, ``channels``, ``media_notices``, ``speech_account``, ``tools``, ``transcript``) are parts that stages share.
"""

from echoic.pipeline.stage import Stage, StageTable
from echoic.stages import attribute, decode, diarize, embed, entities, identify, index, options, publish, transcribe
from echoic.stages.tools import Tools
from echoic.voices import recognition

STAGES: StageTable[Tools] = StageTable(
    Stage(name="decode", queue="cpu", version=3, run=decode.run, leaves_bytes_per_second=decode.MOST_BYTES_PER_SECOND),
    Stage(name="transcribe", queue="gpu", version=5, run=transcribe.run),
    Stage(name="diarize", queue="gpu", version=2, run=diarize.run, optional=True),
    Stage(name="attribute", queue="cpu", version=2, run=attribute.run, optional=True),
    Stage(name="identify", queue="cpu", version=1, run=identify.run, optional=True),
    Stage(name="entities", queue="cpu", version=2, run=entities.run, optional=True),
    Stage(name="embed", queue="cpu", version=1, run=embed.run, optional=True),
    Stage(name="index", queue="cpu", version=2, run=index.run),
    Stage(name="publish", queue="cpu", version=1, run=publish.run),
    resolve=options.resolve_options,
)

CHORES = {recognition.RECOGNIZE: recognition.recognize_all}
"""Light work of workers that belongs to no run."""
