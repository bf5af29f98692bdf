"""Media that nobody vouches for: a confined child process opens it (``child``), its parent asks and checks (``parent``).

Neither imports the other's modules, but for constants of ``child`` that ``parent`` puts into messages; what they say to
each other is ``wire``. Nothing is imported here: the child pays for every import at each start.
"""
