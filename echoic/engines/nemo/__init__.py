"""NVIDIA's NeMo models (Parakeet, Canary) by onnx-asr, on the processor and without torch.

They differ from Whisper: none takes a prompt or a vocabulary, none says which language it heard, and Canary gives no
times. ``transcriber`` makes up for what it can and says what it cannot.
"""
