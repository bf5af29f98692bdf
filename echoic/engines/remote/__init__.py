"""A transcriber elsewhere: any endpoint that speaks OpenAI's ``/v1/audio/transcriptions``, such as Speaches or vLLM."""
