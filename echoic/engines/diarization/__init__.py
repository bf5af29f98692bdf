"""Finds who speaks when: segmentation over sliding windows, voice vectors, clusters, turns. Knows no storage and no text.

``weights`` names the two models; ``diarizer`` and ``voice_encoder`` are the engines, to be imported when one is loaded;
the other modules are the steps, in the order ``grid``, ``segmentation``, ``stretches``, ``voices``, ``clusters``,
``attribution``, ``turns``.
"""
