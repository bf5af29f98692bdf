"""A model of the same files, inputs and outputs as multilingual-e5-small in ONNX form: each word has a direction by chance."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

from echoic.engines.e5.onnx_encoder import OnnxE5TextEncoder
from echoic.engines.e5.recipe import DIMENSIONS
from echoic.engines.models.catalog import E5
from echoic.records import EngineId
from echoic.settings import Settings

WORDS = (
    *("[unknown]", "query", "passage", ":", "the", "budget", "meeting", "is", "on", "Monday", "rabbit", "in", "garden"),
    *("boat", "engine", "important", "point", "number", "very"),
)


def tiny_e5(folder: Path) -> OnnxE5TextEncoder:
    """Make the files in a folder of models and load them from there, as an operator's own are."""
    own = folder / E5.name
    (own / "onnx").mkdir(parents=True)
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token=WORDS[0]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(own / "tokenizer.json"))
    directions = np.random.default_rng(5).normal(size=(len(WORDS), DIMENSIONS)).astype(np.float32)
    # All words that are not known are one, and say little.
    directions[0] *= 0.1
    graph = helper.make_graph(
        [helper.make_node("Gather", ["directions", "input_ids"], ["last_hidden_state"])],
        "tiny",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
            for name in ("input_ids", "attention_mask", "token_type_ids")
        ],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["texts", "tokens", DIMENSIONS])],
        [numpy_helper.from_array(directions, "directions")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(made, own / "onnx" / "model.onnx")
    settings = Settings(_env_file=None, models_dir=folder, model_downloads=False)
    return OnnxE5TextEncoder(EngineId(name="e5", model=E5.name, version="1"), settings)
