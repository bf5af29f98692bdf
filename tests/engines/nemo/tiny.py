"""Models of the same files, inputs and outputs as Parakeet's and Canary's in ONNX form, of a few operations each.

They hear nothing: what they say depends on how loud the audio is. Names, shapes and types follow what onnx-asr 0.12
gives and takes.
"""

import json
from pathlib import Path

import onnx.parser

from echoic.engines.nemo.transcriber import NemoTranscriber
from echoic.records import EngineId
from echoic.settings import Settings

FEATURES = 128
HEADER = '<ir_version: 10, opset_import: ["" : 17]>'

TDT_ENCODER = """
encoder (float[B, 128, T] audio_signal, int64[B] length) => (float[B, 1, S] outputs, int64[B] encoded_lengths)
{
    seven = Constant <value_ints: ints = [7]> ()
    eight = Constant <value_ints: ints = [8]> ()
    loudness = ReduceMean <axes: ints = [1], keepdims: int = 1> (audio_signal)
    outputs = AveragePool <kernel_shape: ints = [8], strides: ints = [8], ceil_mode: int = 1> (loudness)
    more = Add (length, seven)
    encoded_lengths = Div (more, eight)
}
"""
# Loud: " ja", quiet: " na", each 4 frames long. A word is followed by its second token, then by nothing for 4 frames.
TDT_VOCABULARY = ("▁ja", "▁na", "wohl", ".", "<unk>", "<blk>")
TDT_JOINT = """
joint (float[1, 1, 1] encoder_outputs, int32[1, 1] targets, int32[1] target_length,
       float[1, 1, 2] input_states_1, float[1, 1, 2] input_states_2)
  => (float[1, 1, 1, 11] outputs, float[1, 1, 2] output_states_1, float[1, 1, 2] output_states_2)
<
    float[1, 11] weights = {1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    float[11] bias = {0, 0, -9, -9, -9, -9, 0, 0, 0, 0, 1},
    int64[4] shape = {1, 1, 1, 11}
>
{
    flat = Flatten (encoder_outputs)
    product = MatMul (flat, weights)
    sum = Add (product, bias)
    outputs = Reshape (sum, shape)
    output_states_1 = Identity (input_states_1)
    output_states_2 = Identity (input_states_2)
}
"""

AED_ENCODER = """
encoder (float[B, 128, T] audio_signal, int64[B] length)
  => (float[B, S, 1] encoder_embeddings, int64[B, S] encoder_mask)
{
    loudness = ReduceMean <axes: ints = [1], keepdims: int = 1> (audio_signal)
    pooled = AveragePool <kernel_shape: ints = [8], strides: ints = [8], ceil_mode: int = 1> (loudness)
    encoder_embeddings = Transpose <perm: ints = [0, 2, 1]> (pooled)
    two = Constant <value_ints: ints = [2]> ()
    flat = Squeeze (encoder_embeddings, two)
    zero = Mul (flat, flat)
    positive = Abs (zero)
    one = Sign (positive)
    encoder_mask = Cast <to: int = 7> (one)
}
"""
AED_CONTROL = (
    *("<unk>", "<|endoftext|>", "<|startofcontext|>", "<|startoftranscript|>", "<|emo:undefined|>"),
    *("<|en|>", "<|de|>", "<|pnc|>", "<|noitn|>", "<|notimestamp|>", "<|nodiarize|>", "▁"),
)
AED_WORDS = (
    *("▁yes", "▁of", "▁course", ",", "▁it", "▁is", "▁so", "▁and", "▁not", "▁other", "wise", "."),
    *("▁ja", "▁das", "▁ist", ",", "▁nun", "▁mal", "▁so", "▁und", "▁nicht", "▁an", "ders", "."),
)
# What the decoder remembers are its inputs: the fifth is the language. It says the twelve tokens of that, then ends.
AED_DECODER = """
decoder (int64[B, S] input_ids, float[B, E, 1] encoder_embeddings, int64[B, E] encoder_mask, float[1, B, M, 1] decoder_mems)
  => (float[B, 1, 36] logits, float[1, B, N, 1] decoder_hidden_states)
<
    int64[1] fifth = {4}, int64[1] mems_axis = {2}, int64[1] prompt = {10},
    int64[1] words = {12}, int64[1] said_of_english = {12}, int64[1] english = {5}, int64[1] ends = {1},
    int64[3] shape = {1, 1, 36}, int64[1] depth = {36}, float[2] values = {-30, 0}
>
{
    remembered = Cast <to: int = 1> (input_ids)
    sides = Constant <value_ints: ints = [0, 3]> ()
    added = Unsqueeze (remembered, sides)
    decoder_hidden_states = Concat <axis: int = 2> (decoder_mems, added)
    size = Shape (decoder_hidden_states)
    length = Gather (size, mems_axis)
    spoken = Sub (length, prompt)
    language = Gather <axis: int = 2> (decoder_hidden_states, fifth)
    flat_language = Flatten <axis: int = 0> (language)
    language_id = Cast <to: int = 7> (flat_language)
    one_axis = Constant <value_ints: ints = [-1]> ()
    language_number = Reshape (language_id, one_axis)
    offset_number = Sub (language_number, english)
    offset = Mul (offset_number, words)
    word_of_language = Add (spoken, said_of_english)
    word = Add (word_of_language, offset)
    is_over = GreaterOrEqual (spoken, words)
    token = Where (is_over, ends, word)
    hot = OneHot (token, depth, values)
    logits = Reshape (hot, shape)
}
"""


def write_tdt(folder: Path, *, form: str = ".int8") -> Path:
    """A transducer, as Parakeet is."""
    _write(folder, "nemo-conformer-tdt", TDT_VOCABULARY)
    _save(TDT_ENCODER, folder / f"encoder-model{form}.onnx")
    _save(TDT_JOINT, folder / f"decoder_joint-model{form}.onnx")
    return folder


def write_aed(folder: Path, *, form: str = ".int8") -> Path:
    """An encoder and a decoder with attention, as Canary is."""
    _write(folder, "nemo-conformer-aed", (*AED_CONTROL, *AED_WORDS))
    _save(AED_ENCODER, folder / f"encoder-model{form}.onnx")
    _save(AED_DECODER, folder / f"decoder-model{form}.onnx")
    return folder


def load(folder: Path, data_dir: Path, **changes: object) -> NemoTranscriber:
    settings = Settings(_env_file=None, data_dir=data_dir, model_downloads=False, onnx_asr_model=str(folder))
    engine_id = EngineId(name="onnx-asr", model=str(folder), version="1")
    return NemoTranscriber(engine_id, settings.model_copy(update=changes))


def _write(folder: Path, kind: str, vocabulary: tuple[str, ...]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    config = {"model_type": kind, "features_size": FEATURES, "subsampling_factor": 8}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    lines = [f"{token} {number}\n" for number, token in enumerate(vocabulary)]
    (folder / "vocab.txt").write_text("".join(lines), encoding="utf-8")


def _save(text: str, path: Path) -> None:
    model = onnx.parser.parse_model(HEADER + text)
    onnx.checker.check_model(model)
    onnx.save(model, path)
