"""The door for OpenAI's clients: the routes of its audio API over the same intake, runs and transcripts as every upload.

It translates and decides nothing: https://platform.openai.com/docs/api-reference/audio has the shapes.
"""
